"""The command `handlib`: what the notebooks do, for a terminal. It holds no logic of its own."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from typer.core import TyperGroup

from handlib import doctor as examination
from handlib import weights
from handlib.cli_data import Split, data_app
from handlib.cli_experiment import experiment
from handlib.data.augmentation import AugmentationConfig
from handlib.evaluation.dexycb_submission import dexycb_faults, labelled_ids
from handlib.evaluation.ho3d_submission import ho3d_faults
from handlib.evaluation.report import evaluate_recorded
from handlib.hands import load_hand
from handlib.photos.command import predict
from handlib.training import recipes
from handlib.training.checkpoint import CRITIC_FILE, STATE_FILE
from handlib.training.data import DataConfig
from handlib.training.run import RunConfig
from handlib.training.score_table import score_run, score_table
from handlib.training.trained import Trained
from handlib.weights.publish import publish, publish_critic


class PlainErrors(TyperGroup):
    """A user's mistake is answered with one line and exit code 2, not with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (OSError, ValueError, FloatingPointError) as error:
            typer.echo(f"handlib: {error}", err=True)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=PlainErrors, no_args_is_help=True, help="Hands under Occlusion: train, score, look after."
)
weights_app = typer.Typer(no_args_is_help=True, help="The weights that come with handlib.")
app.add_typer(data_app, name="data")
app.add_typer(weights_app, name="weights")
app.command()(experiment)
app.command()(predict)

RunDir = Annotated[Path, typer.Argument(help="A folder that `handlib train --run` has written.")]
HandPath = Annotated[
    Path | None,
    typer.Option("--hand", help="Your MANO file or folder; else the shipped hand."),
]
Root = Annotated[
    str, typer.Option(help="Folder of a recorded data set; else HANDLIB_HO3D and so on.")
]
Setup = Annotated[
    str, typer.Option(help="HO-3D's version, DexYCB's or FPHA's split; else v2, s0, action.")
]
Subset = Annotated[
    str, typer.Option(help="List of frames that `handlib data subset` has written.")
]
Partial = Annotated[bool, typer.Option(help="Take an incomplete copy of DexYCB.")]
SkipBroken = Annotated[
    bool,
    typer.Option("--skip-broken", help="Count recorded frames that cannot be read, and go on."),
]


@app.command()
def train(
    network: Annotated[
        Literal["handoccnet", "deformer", "vertex_transformer"],
        typer.Argument(help="What to train."),
    ],
    run: Annotated[Path, typer.Option(help="Folder for checkpoints and the trained weights.")],
    recipe: Annotated[
        Literal["course", "paper"], typer.Option(help="Minutes at 128 px, or as published.")
    ] = "course",
    data: Annotated[
        Literal["synthetic", "ho3d", "dexycb", "fpha"], typer.Option(help="Data set.")
    ] = "synthetic",
    root: Root = "",
    setup: Setup = "",
    partial: Partial = False,
    skip_broken: SkipBroken = False,
    subset: Subset = "",
    size: Annotated[
        int | None,
        typer.Option(help="Training images (16,000; all recorded ones), or clips (300)."),
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="Images or windows to see; else the recipe's.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="A baseline of the papers, such as single_frame.")
    ] = None,
    critic: Annotated[bool, typer.Option(help="Train a motion discriminator along.")] = False,
    augmentation: Annotated[
        Literal["none", "paper", "deformer_paper", "photographs"] | None,
        typer.Option(help="Random changes of the images; else the recipe's."),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="A finished run to go on from with this recipe.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Start of the weights, and order of the data.")] = 0,
    bf16: Annotated[bool, typer.Option(help="Half precision where it is safe.")] = False,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    hand: HandPath = None,
) -> None:
    """Train a network, and score it on the validation split at every checkpoint."""
    if (run / STATE_FILE).exists() and not resume:
        raise FileExistsError(f"{run}: holds a run already; add --resume, or take another folder")
    mano = str(hand) if hand else ""
    source = DataConfig(
        data,
        root=root,
        setup=setup,
        mano=mano,
        partial=partial,
        skip_broken=skip_broken,
        subset=subset,
    )
    plan = recipes.plan(network, recipe, variant, source, size)
    config = replace(plan.training, images=images or plan.training.images, seed=seed, bf16=bf16)
    if augmentation:
        config = replace(config, augmentation=getattr(AugmentationConfig, augmentation)())
    plan = replace(plan, training=config)
    command = " ".join(["handlib", *sys.argv[1:]])
    earlier = [RunConfig.load(start).command] if start else []
    settings = RunConfig(plan.network, plan.data, " && ".join([*earlier, command]))
    settings.save(run)
    torch.manual_seed(seed)
    hand_model = plan.data.hand()
    model = recipes.begin(plan.network, hand_model, start)
    train_set = plan.data.load("train", settings.resolution)
    val_set = plan.data.load("val", settings.resolution, plan.validation)
    judge = recipes.critic(recipe) if critic else None
    recipes.learn(model, plan, train_set, val_set, settings.resolution, run, resume, judge)
    typer.echo(score_table(model, val_set, train_set, hand_model))


@app.command("evaluate")
def evaluate_run(
    run: Annotated[
        Path | None, typer.Argument(help="A folder that `handlib train --run` has written.")
    ] = None,
    split: Split = "test",
    size: Annotated[
        int | None, typer.Option(help="Images (2,000; all recorded ones) or clips (64).")
    ] = None,
    data: Annotated[
        Literal["ho3d", "dexycb", "fpha"] | None,
        typer.Option(help="Recorded set to score on, by its own evaluation."),
    ] = None,
    root: Root = "",
    setup: Setup = "",
    partial: Partial = False,
    skip_broken: SkipBroken = False,
    subset: Subset = "",
    checkpoint: Annotated[
        Path | None, typer.Option(help="The authors' weights, in place of a run.")
    ] = None,
    network: Annotated[
        Literal["handoccnet", "deformer"], typer.Option(help="Whose --checkpoint it is.")
    ] = "handoccnet",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report; else scores_<data> beside it.")
    ] = None,
    submission: Annotated[bool, typer.Option(help="Write the submission file, too.")] = False,
    hand: HandPath = None,
) -> None:
    """Score a run by occlusion, beside the mean pose; or on a recorded set, with a report."""
    mano = str(hand) if hand else ""
    if data is None:
        recorded = (root, setup, partial, skip_broken, subset, checkpoint, out, submission)
        if any(recorded) or run is None:
            raise ValueError(
                "evaluate: expected a run alone, or --data with what belongs to a recorded set; "
                "add --data ho3d, dexycb or fpha"
            )
        typer.echo(score_run(run, split, size, mano))
        return
    trained = Trained.of(run, checkpoint, network, load_hand(hand))
    out = out or trained.folder / f"scores_{data}"
    source = DataConfig(data, size or 0, 0, trained.gap, root, setup, mano, partial)
    source = replace(source, skip_broken=skip_broken, subset=subset)
    report = evaluate_recorded(trained, source, out, split, submission)
    typer.echo(report.text)
    for path in report.files:
        typer.echo(str(path))


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="HO-3D's zip or json, or DexYCB's text.")],
    kind: Annotated[Literal["ho3d", "dexycb"], typer.Option("--as", help="What it is.")],
    listing: Annotated[
        Path | None,
        typer.Option("--list", help="evaluation.txt, or the ids of labelled frames, one a line."),
    ] = None,
) -> None:
    """Examine a submission before it is uploaded, and name everything that is wrong with it."""
    if kind == "ho3d":
        faults = ho3d_faults(file, listing)
    else:
        faults = dexycb_faults(file, labelled_ids(listing) if listing else None)
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    unchecked = "" if listing else "; without --list it was not checked that no frame is missing"
    typer.echo(f"{file}: nothing wrong found{unchecked}")


@app.command()
def doctor() -> None:
    """Look at this machine: what is there, what works, and how to mend what does not."""
    checks = examination.examine()
    for check in checks:
        typer.echo(str(check))
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


@weights_app.command("list")
def list_weights() -> None:
    """Name the shipped weights with their scores."""
    for name in weights.names():
        scores = weights.card(name)["scores"]
        model, mean = scores["model"], scores.get("mean_pose")
        if mean is None:
            told = ", ".join(f"{other} {value}" for other, value in model.items())
            typer.echo(f"{name}: ROC-AUC against motion that is {told}")
            continue
        typer.echo(
            f"{name}: root-aligned {model['root_aligned']} mm (mean pose {mean['root_aligned']}), "
            f"Procrustes {model['procrustes']} mm (mean pose {mean['procrustes']})"
        )


@weights_app.command("check")
def check_weights() -> None:
    """Compare every file of weights with its card's checksum."""
    for name in weights.names():
        typer.echo(f"{weights.verified(weights.card(name))}: as its card says")


@weights_app.command("publish")
def publish_weights(
    run: RunDir,
    minutes: Annotated[float, typer.Option(help="How long the run took.")],
    name: Annotated[
        str | None, typer.Option(help="Of the weights, else that of the network.")
    ] = None,
    limits: Annotated[
        str, typer.Option(help="What the card says of these weights in particular.")
    ] = "",
    hand: HandPath = None,
) -> None:
    """Ship a run's weights with handlib, and its discriminator's if it had one (maintainers)."""
    hand_model = load_hand(hand)
    description = publish(run, hand_model, minutes, name=name, limits=limits)
    typer.echo(f"{description['file']}: {description['scores']['model']['root_aligned']} mm")
    if (run / CRITIC_FILE).is_file():
        judge = publish_critic(run, hand_model, minutes)
        typer.echo(f"{judge['file']}: ROC-AUC {judge['scores']['model']}")
