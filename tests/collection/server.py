"""A simulated participant on 127.0.0.1 for tests: in a thread, or in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from openai import AsyncOpenAI, OpenAI

from data_collection.participant.mischief import Mischief
from data_collection.participant.participant import Participant
from data_collection.participant.serve import serving

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-test"


class Running:
    """A server that runs: `url` (ends in /v1), and in a thread `participant`."""

    def __init__(self, url, participant=None, process=None):
        self.url = url
        self.participant = participant
        self.process = process

    def client(self, **options):
        """The official client, which gives up at the first failure."""
        return OpenAI(base_url=self.url, **{"api_key": KEY, "max_retries": 0, **options})

    def async_client(self, **options):
        return AsyncOpenAI(base_url=self.url, **{"api_key": KEY, "max_retries": 0, **options})

    def get(self, path):
        """JSON of an address beside /v1, such as /stats."""
        with urlopen(self.url.removesuffix("/v1") + path) as response:
            return json.load(response)

    def stats(self):
        """What the server was asked (see `Participant.statistics`)."""
        return self.get("/stats")


@contextlib.contextmanager
def running(*, mischief=None, **settings):
    """A server in a thread of this process.

    Parameters
    ----------
    mischief : dict, optional
        Arguments of `Mischief`.
    settings : object
        Of `Participant`: seed, base_models, described, key.
    """
    participant = Participant(mischief=Mischief(**(mischief or {})), **settings)
    with serving(participant) as url:
        yield Running(url, participant)


@contextlib.contextmanager
def running_process(*options, port=0):
    """A server in a process of its own, by ``selfinterp collect simulate-server``.

    Parameters
    ----------
    options : object
        Of the command, for example ``"--error", 0.1``.
    """
    command = [sys.executable, "-c", "from selfinterp_stats.cli.main import main; main()"]
    arguments = ["collect", "simulate-server", "--port", port, *options]
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        # The first line of stdout is the base URL.
        yield Running(process.stdout.readline().strip(), process=process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        process.stdout.close()
