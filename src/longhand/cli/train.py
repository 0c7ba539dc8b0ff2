"""`longhand train`: from a configuration to a checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from longhand.cli.arguments import Parser, add_output_file, parse_overrides
from longhand.cli.output import program, write_result
from longhand.cli.synonyms.registry import describe_synonyms
from longhand.errors import UserError

_EPILOG = """\
Any key of the configuration can be set on the command line: --section.key value, with the sections model, data,
format, training, runtime and tracking; --keys lists them all, and the flags of other programs that are understood.

examples:
  longhand train --config llama2 --data.path data/mini --output-dir runs/llama2
  longhand train --config demo --training.max_steps 200 --output-dir runs/short
  longhand train --config demo --output-dir runs/short --resume auto
"""


def add_parser(verbs: argparse._SubParsersAction[Parser]) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "train", help="train a model", epilog=_EPILOG,
        description="Train a model from a YAML configuration.",
    )  # fmt: skip
    parser.add_argument("--config", metavar="FILE", help="YAML file, or the name of a shipped configuration")
    parser.add_argument("--vocabulary", metavar="NAME", help="preset vocabulary (longhand vocab list) [as configured]")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="where the run is written [runs/<config name>]")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="auto|PATH",
        help="go on with the run in the output directory, or from PATH",
    )
    parser.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="data-parallel processes, one thread each [runtime.processes]",
    )
    parser.add_argument(
        "--logger", choices=["none", "tensorboard", "wandb"], help="who is told of the metrics too [tracking.logger]"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a run that is already in the output directory"
    )
    parser.add_argument(
        "--until-certified",
        action="store_true",
        help="windowed models: train until every window is right [training.proof], then write the certificate",
    )
    parser.add_argument("--pytorch-model", action="store_true", help="write the weights as pytorch_model.bin too")
    parser.add_argument("--print-config", action="store_true", help="print the resolved configuration and stop")
    parser.add_argument("--keys", action="store_true", help="list every key of the configuration and stop")
    add_output_file(parser)
    parser.set_defaults(run=run, takes_overrides=True)


def run(arguments: argparse.Namespace) -> int:
    """Train, or print what would be trained."""
    from longhand.shipped import config_path
    from longhand.training.run_config import RunConfig, describe_keys, dump_run_config, load_run_config

    if arguments.keys:
        print(f"{describe_keys(RunConfig)}\n\n{describe_synonyms('train')}")
        return 0
    if arguments.config is None:
        raise UserError("say what to train: --config FILE, for example --config demo")
    overrides = parse_overrides(arguments.rest)
    for key, flag in (("vocabulary", "vocabulary"), ("runtime.processes", "processes"), ("tracking.logger", "logger")):
        value = getattr(arguments, flag)
        if value is not None and overrides.setdefault(key, str(value)) != str(value):
            raise UserError(f"--{flag} {value} and --{key} {overrides[key]} set the same; keep one")
    path = config_path(arguments.config)
    config = load_run_config(path, overrides)
    if arguments.until_certified and config.training.proof is None:
        config = load_run_config(path, {**overrides, "training.proof": "{}"})
    if arguments.print_config:
        print(dump_run_config(config), end="")
        return 0
    from longhand.runtime import is_main_process
    from longhand.training.start import start_training

    output_dir = arguments.output_dir or Path("runs") / path.stem
    result = start_training(config, output_dir, resume=arguments.resume, overwrite=arguments.overwrite)
    if is_main_process():
        from longhand.cli.run_files import write_run_files

        write_run_files(config, output_dir, pytorch_model=arguments.pytorch_model)
        write_result(arguments.output_file, result.to_dict())
        if arguments.until_certified:
            return _certify(result.model_dir)
        operator = "+" if config.data.domain is None else config.data.domain.operators[0]
        print(f'ask it:  {program()} solve {output_dir} "951{operator}11="')
    return 0


def _certify(model: Path) -> int:
    """Write the certificate of a model, or say what is still wrong with it: exit code 1."""
    from longhand.certify.record import certify_model
    from longhand.runs.certificate import CERTIFICATE, NotCertifiedError

    try:
        report = certify_model(model)
    except NotCertifiedError as failed:
        print(str(failed))
        return 1
    print(f"proved: {report['claim']}")
    print(f"wrote {model / CERTIFICATE}; check it:  python -m longhand.certify.check {model}")
    return 0
