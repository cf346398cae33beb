"""What is concluded about explainers: gaps, the self effect, and what runs could change."""
