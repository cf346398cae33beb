"""Calls that make no sense, and places that cannot be written."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

from damage.entry import Damage, text

REPRODUCE = "reproduce --data study"
WEIGHTS = "weights --data study --out out"
PLAN = "plan --out out"
SIMULATE = "simulate --out new"
EXPLAINERS = "simulate --kind explainers --out new"

ENTRIES = (
    # Places
    Damage(
        "a file as output",
        "reproduce --data study --out items.csv",
        "items.csv: this is a file, not a folder. Give the path of a folder as --out.",
    ),
    Damage(
        "below a file",
        "weights --data study --out items.csv/new",
        "{here}/items.csv/new: the output cannot be written (Not a directory); nothing was changed there. Give a folder that you may write as --out.",
    ),
    Damage(
        "a file where weights go by default",
        "weights --data study",
        "weights: this is a file, not a folder. Give the path of a folder as --out.",
        text("weights", "5 kg"),
    ),
    Damage(
        "a file where explainers go by default",
        "explainers --data items.csv",
        "explainers: this is a file, not a folder. Give the path of a folder as --out.",
        text("explainers", "a and b"),
    ),
    Damage(
        "somebody else's folder",
        "weights --data study --out thesis",
        "thesis: this folder holds files that this program did not write. Give another folder as --out, or empty this one yourself.",
    ),
    Damage(
        "somebody else's folder for a demo",
        "demo --out thesis",
        "thesis: this folder holds files that this program did not write. Give another folder as --out, or empty this one yourself.",
    ),
    Damage(
        "somebody else's folder for predictions",
        "explainers --data items.csv --out thesis",
        "thesis: this folder holds files that this program did not write. Give another folder as --out, or empty this one yourself.",
    ),
    Damage(
        "a study over something",
        "simulate --out thesis",
        "thesis: the folder exists and is not empty. Choose a new folder; nothing in this one was changed.",
    ),
    Damage(
        "explainers over something",
        "simulate --kind explainers --out thesis",
        "thesis: the folder exists and is not empty. Choose a new folder; nothing in this one was changed.",
    ),
    Damage(
        "a study in a file's place",
        "simulate --out items.csv",
        "items.csv: the folder cannot be made: Not a directory. Choose a folder that you may write to.",
    ),
    Damage(
        "training files over something",
        "finetune files --scenarios scenarios.json --limit 2 --instilled 2 --out thesis",
        "{here}/thesis: this folder holds a file that this program did not write, or that was changed (found 'chapter.tex'). Give another folder as --out, or empty this one yourself.",
    ),
    # Choices among what there is
    Damage(
        "no such set",
        f"{WEIGHTS} --set other",
        "study: the study has no set of this name (found 'other'). Allowed: instilled, native. Names are taken from the file names; give one exactly as it is there.",
    ),
    Damage(
        "no such base model",
        f"{WEIGHTS} --base-model model-b",
        "study: the study has no base model of this name (found 'model-b'). Allowed: model-a. Names are taken from the file names; give one exactly as it is there.",
    ),
    Damage(
        "a folder and a table",
        f"{WEIGHTS} --choices choices.csv",
        "a study folder and --choices are both given (found 'study'). Allowed: --data, or --choices and what goes with it. Leave out one of the two.",
    ),
    Damage(
        "a folder and a map",
        f"{WEIGHTS} --map scenario=item",
        "a study folder and --map are both given (found 'study'). Allowed: --data, or --choices and what goes with it. Leave out one of the two.",
    ),
    Damage(
        "reports without choices",
        "reproduce --reports reports.csv --out out",
        "--reports need a table of choices beside them. Allowed: --choices CSV, with --reports, --scenarios, --targets, --map and --constant. Give the table with --choices, or a study folder with --data.",
    ),
    # Numbers
    Damage(
        "a probability in percent",
        f"{WEIGHTS} --hdi-prob 95",
        "the probability of an interval cannot be this (found 95.0). Allowed: a number between 0 and 1, for instance 0.95.",
    ),
    Damage(
        "a probability that is no number",
        f"{WEIGHTS} --hdi-prob nan",
        "the probability of an interval cannot be this (found nan). Allowed: a number between 0 and 1, for instance 0.95.",
    ),
    Damage(
        "a probability in percent, of explainers",
        "explainers --data items.csv --out out --hdi-prob 95",
        "the probability of an interval cannot be this (found 95.0). Allowed: a number between 0 and 1, for instance 0.95.",
    ),
    Damage(
        "a probability in percent, of a plan",
        f"{PLAN} --hdi-prob 95",
        "the probability of an interval cannot be this (found 95.0). Allowed: a number between 0 and 1, for instance 0.95.",
    ),
    Damage(
        "a probability in percent, of saved draws",
        "tables --posterior draws.nc --hdi-prob 95",
        "the probability of an interval cannot be this (found 95.0). Allowed: a number between 0 and 1, for instance 0.95.",
    ),
    Damage(
        "a region upside down",
        f"{WEIGHTS} --rope 0.1 -0.1",
        "the region of practical equivalence is empty (found (0.1, -0.1)). Allowed: LOW HIGH with LOW below HIGH.",
    ),
    Damage(
        "a region of nothing",
        f"{WEIGHTS} --rope nan nan",
        "the region of practical equivalence is empty (found (nan, nan)). Allowed: LOW HIGH with LOW below HIGH.",
    ),
    Damage(
        "too few draws",
        f"{WEIGHTS} --draws 10",
        "the number of draws cannot be this (found 10). Allowed: at least 400, a multiple of the 4 chains.",
    ),
    Damage(
        "too few draws of a regression",
        f"{REPRODUCE} --out out --regression-draws 10",
        "the number of regression draws cannot be this (found 10). Allowed: at least 400, a multiple of the 4 chains.",
    ),
    Damage(
        "a seed in words",
        f"{WEIGHTS} --seed x",
        "Invalid value for '--seed': 'x' is not a valid integer.",
    ),
    Damage(
        "a seed below 0",
        f"{WEIGHTS} --seed -1",
        "Invalid value for '--seed': -1 is not in 0 to 9223372036854775807.",
    ),
    Damage(
        "a seed too large",
        f"{SIMULATE} --seed 9223372036854775808",
        "Invalid value for '--seed': 9223372036854775808 is not in 0 to 9223372036854775807.",
    ),
    Damage(
        "an unknown engine",
        f"{WEIGHTS} --engine stan",
        "Invalid value for '--engine': 'stan' is not one of 'auto', 'importance', 'nuts', 'bambi'.",
    ),
    Damage(
        "no scenario at once",
        f"{WEIGHTS} --batch-size 0",
        "Invalid value for '--batch-size': 0 is not in the range x>=1.",
    ),
    Damage(
        "a cluster that is not there",
        f"{WEIGHTS} --cluster nowhere",
        "no Dask scheduler answers at 'nowhere' (...). Start one with 'dask scheduler', or use the workers of this machine with 'local'.",
        status=3,
    ),
    # Designs
    Damage(
        "a plan of no scenarios",
        f"{PLAN} --scenarios 0",
        "a design cannot have this number of scenarios (found 0). Allowed: a whole number from 2.",
    ),
    Damage(
        "a plan of a correlation beyond 1",
        f"{PLAN} --correlation 2",
        "a design cannot have this correlation (found 2.0). Allowed: -1 to 1.",
    ),
    Damage(
        "a plan of no width",
        f"{PLAN} --width 0",
        "an HDI of a correlation cannot have this width (found 0.0). Allowed: above 0, at most 2.",
    ),
    Damage(
        "a plan of a cost below 0",
        f"{PLAN} --cost-per-choice -1",
        "a call cannot cost this (found -1.0). Allowed: 0 and more.",
    ),
    Damage(
        "a pilot and a correlation",
        f"{PLAN} --pilot study --correlation 0.5",
        "a pilot study and what it is asked for are both given (found '--correlation'). Leave out one of the two.",
    ),
    Damage(
        "a calibration of no datasets",
        "calibrate --out out --simulations 0",
        "so few simulations show nothing (found 0). Allowed: 20 and more.",
    ),
    Damage(
        "a calibration at no level",
        "calibrate --out out --level 0",
        "a level cannot be this (found 0.0). Allowed: between 0 and 1.",
    ),
    Damage(
        "a calibration of no such model",
        "calibrate --out out --model other",
        "there is no such model to calibrate (found 'other'). Allowed: weights under flat; slopes by scenario; weights under bambi; and 15 others. A calibration of all models names them in tables/calibration.csv.",
    ),
    Damage(
        "a study without scenarios",
        f"{SIMULATE} --trained 0 --native 0",
        "the design has no scenario. Allowed: 2 and more trained or native scenarios.",
    ),
    Damage(
        "a study of more scenarios than there are",
        f"{SIMULATE} --trained 1000000",
        "the design asks for more scenarios than there are (found 1000060). Allowed: at most 120 trained and native scenarios together. Ask for fewer, or pass a frame of your own as `scenarios`.",
    ),
    Damage(
        "a study of no choices",
        f"{SIMULATE} --trials-trained 0",
        "`trials_trained` does not fit a study (found 0). Allowed: a whole number from 2.",
    ),
    Damage(
        "a base model that is a path",
        f"{SIMULATE} --base-model ../up",
        "a base model's name cannot become part of a file name (found '../up'). Allowed: text without slashes, quotes or line breaks.",
    ),
    Damage(
        "a base model twice",
        f"{SIMULATE} --base-model m --base-model m",
        "a base model is named twice (found 'm'). Allowed: every name once.",
    ),
    Damage(
        "one model that explains",
        f"{EXPLAINERS} --models 1",
        "there are too few models (found 1). Allowed: from 2.",
    ),
    Damage(
        "explainers of no items",
        f"{EXPLAINERS} --items 0",
        "there are too few items (found 0). Allowed: from 1.",
    ),
    Damage(
        "a self effect that is no number",
        f"{EXPLAINERS} --self-effect nan",
        "self_effect is no number (found nan). Allowed: such as 0.5.",
    ),
    # Words
    Damage("no such command", "nothing", "No such command 'nothing'."),
    Damage("no such option", f"{WEIGHTS} --draw 4000", "No such option '--draw'. ..."),
    Damage("an option missing", "explainers", "Missing option '--data'."),
    Damage("an argument missing", "compare out", "Missing argument 'RUN'."),
    Damage("an argument too many", "demo thesis", "Got unexpected extra argument (thesis)"),
    # Services
    Damage(
        "a server that is not there",
        "fetch --dest new --base-url http://127.0.0.1:9/",
        "gpt-4o-2024-08-06_instilled_latent_selections.csv could not be downloaded from http://127.0.0.1:9/: the server could not be reached (...). Run the command again; it goes on where it stopped.",
        status=3,
    ),
    Damage(
        "an address that is none",
        "collect choices --scenarios scenarios.json --model m --journal new.sqlite --base-url localhost:9",
        "the address of the service cannot be read (found 'localhost:9'). Allowed: http:// or https://, a host and mostly /v1. For example --base-url http://127.0.0.1:8000/v1.",
    ),
    Damage(
        "a key that is none",
        "collect choices --scenarios scenarios.json --model m --journal new.sqlite",
        "there is no API key. Put it into the environment variable OPENAI_API_KEY, or name another service with --base-url.",
    ),
)
