"""What is believed of explainers: crossed effects, items they share, and runs that differ."""
