"""A simulated participant: a server that answers like a language model whose weights are known.

It speaks the part of OpenAI's HTTP interface that collection uses (chat completions, files,
fine-tuning jobs, batches), so that everything between the two is real: sockets, JSON, rate limits,
lost connections. What it answers depends on its seed, the model and the prompt alone; how it
misbehaves, on the attempt too.
"""

from __future__ import annotations
