"""Deep supervision: P2, P10 to P13, and the faults of system 003, each shown beside what it breaks."""

from __future__ import annotations

import math
import pickle
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.olympiad.tiny_qwen2 import VOCAB, tiny_qwen2
from torch import Tensor

import longhand.models
import longhand.olympiad
from longhand.errors import UserError
from longhand.models.flat import FlatParameters
from longhand.models.trm_backbone import Backbone, config_for
from longhand.models.trm_config import TrmConfig
from longhand.models.trm_model import TrmModel
from longhand.olympiad.backbone import load_backbone
from longhand.olympiad.training.batches import FixedBatches, Rows, to_device
from longhand.olympiad.training.checkpoint import load_head, read_about
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.trainer import RecursiveTrainer, StepReport
from longhand.runs.manifest import file_sha256
from longhand.training.ema import WeightAverage

TRM: dict[str, Any] = {"n_layers": 1, "n_latent": 2, "t_recursion": 2, "n_supervision": 3, "d_ff": 96}
RUN: dict[str, Any] = {"learning_rate": 1e-3, "ema_decay": 0.9}


def batch(seed: int, rows: int = 2, time: int = 8, prompt: int = 3, *, padded: int = 0) -> Rows:
    drawn = np.random.default_rng(seed)
    ids = drawn.integers(1, VOCAB, (rows, time), dtype=np.int64)
    labels, mask = ids.copy(), np.ones((rows, time), dtype=np.bool_)
    labels[:, :prompt] = -100
    if padded:
        labels[0, -padded:], mask[0, -padded:] = -100, False
    return Rows(ids, labels, mask)


def batches(n: int) -> FixedBatches:
    return FixedBatches([batch(i, padded=i % 3) for i in range(n)])


def trainer(
    backbone: Backbone, source: FixedBatches, trm: dict[str, Any] | None = None, **run: Any
) -> RecursiveTrainer:
    config = config_for(backbone, **{**TRM, **(trm or {})})
    return RecursiveTrainer(backbone, config, RecursiveTrainingConfig(**{**RUN, **run}), source)


@pytest.mark.row("S3-T2", "S3-M1")
def test_p10_every_batch_gets_as_many_steps_as_the_supervision_has(backbone: Backbone) -> None:
    before = backbone.fingerprint()
    run = trainer(backbone, batches(4))
    reports: list[StepReport] = []
    run.run(on_step=reports.append)
    assert run.updates.optimizer.steps == len(reports) == run.total_steps == 4 * 3
    assert [report.supervision_step for report in reports] == [0, 1, 2] * 4
    assert [report.step for report in reports] == list(range(1, 13))
    assert all(math.isfinite(report.loss) and report.grad_norm > 0 for report in reports)
    assert backbone.fingerprint() == before, "P2: the backbone is what it was after twelve steps"


def test_a_loss_that_is_no_number_ends_the_run_in_a_line_and_moves_nothing(backbone: Backbone, tmp_path: Path) -> None:
    run = trainer(backbone, batches(4))
    run.run(stop_at=2)
    with torch.no_grad():
        run.updates.flat.weights[0] = math.inf
    before = run.updates.flat.weights.clone()
    with pytest.raises(UserError, match=r"no longer finite at step 3; lower learning_rate \(0\.001\)"):
        run.run(tmp_path / "checkpoint")
    assert torch.equal(run.updates.flat.weights, before)
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.row("S3-T2")
def test_a_batch_is_learned(backbone: Backbone) -> None:
    run = trainer(backbone, FixedBatches([batch(0)]), epochs=25, learning_rate=3e-3, schedule="constant")
    losses: list[float] = []
    run.run(on_step=lambda report: losses.append(report.loss))
    assert losses[-1] < 0.5 * losses[0]


def _gradient(run: RecursiveTrainer) -> Tensor:
    """Of the mean loss over all labels of the first group, at the first step."""
    run._group = run._open(0)
    run._add_gradients(run._group)
    return run.updates.flat.gradients / sum(member.rows.n_targets for member in run._group)


def _unequal() -> list[Rows]:
    """Four batches with 1, 2, 5 and 11 labels per row."""
    return [batch(i, rows=1, time=12, prompt=12 - n) for i, n in enumerate((1, 2, 5, 11))]


@pytest.mark.row("S3-T3")
def test_p11_the_gradient_of_several_batches_is_that_of_all_their_rows_at_once(backbone: Backbone) -> None:
    parts = _unequal()
    whole = Rows(*(np.concatenate([getattr(p, key) for p in parts]) for key in ("ids", "labels", "mask")))
    one = _gradient(trainer(backbone, FixedBatches([whole])))
    several = _gradient(trainer(backbone, FixedBatches(parts), accumulate_grad_batches=4))
    assert F.cosine_similarity(one, several, dim=0) > 1 - 1e-6
    torch.testing.assert_close(several, one, rtol=1e-3, atol=1e-6)


def test_faulty_means_of_means_give_another_gradient(backbone: Backbone) -> None:
    """Issue 16: system 003 adds up (loss / number of batches), each already a mean over its own labels."""
    run = trainer(backbone, FixedBatches(_unequal()), accumulate_grad_batches=4)
    right = _gradient(run)
    run.updates.forget_gradients()
    for member in run._open(0):
        done = run.head.step(member.x, member.y, member.z, member.rows.labels)
        (done.loss_sum / done.n_tokens / 4).backward()
    assert F.cosine_similarity(run.updates.flat.gradients, right, dim=0) < 0.95


@pytest.mark.row("S3-T3")
def test_all_batches_of_a_group_see_the_same_weights_in_a_step(backbone: Backbone) -> None:
    run = trainer(backbone, batches(5), accumulate_grad_batches=2)
    seen: list[tuple[int, float]] = []
    run.head.recursion.net.register_forward_pre_hook(
        lambda *_: seen.append((run.step, float(run.updates.flat.weights.double().sum())))
    )
    run.run()
    assert run.total_steps == 3 * 3 == run.updates.optimizer.steps, "two full groups, and the one that remains"
    assert len(set(seen)) == 9, "one set of weights per step"
    assert len(seen) == 5 * 3 * 2 * 3, "and every batch took part in each step of its group"


def test_a_batch_without_labels_is_left_out_and_counted(backbone: Backbone) -> None:
    """Issue 15."""
    empty = batch(9, prompt=8)
    only_first = batch(9, prompt=8)
    only_first.labels[:, 0] = 5  # nothing stands before it
    run = trainer(backbone, FixedBatches([batch(0), empty, only_first, batch(1)]), accumulate_grad_batches=1)
    run.run()
    assert run.skipped_batches == 2
    assert (run.step, run.updates.optimizer.steps) == (12, 6)
    assert run.updates.flat.weights.isfinite().all()
    in_group = trainer(backbone, FixedBatches([batch(0), empty]), accumulate_grad_batches=2)
    alone = trainer(backbone, FixedBatches([batch(0)]))
    in_group.run()
    alone.run()
    assert torch.equal(in_group.updates.flat.weights, alone.updates.flat.weights)


def test_a_faulty_mean_over_no_labels_is_no_number(backbone: Backbone) -> None:
    """Issue 15: what system 003 then reports; its weights still decay, and its step is taken from the schedule."""
    run = trainer(backbone, FixedBatches([batch(0)]))
    rows = to_device(batch(9, prompt=8), torch.device("cpu"))
    x = run.head.prepare(backbone.hidden(rows.ids))
    logits = run.head.logits(run.head.refine(x, None))
    loss = F.cross_entropy(logits.flatten(0, 1), rows.labels[:, 1:].flatten(), ignore_index=-100)
    assert loss.isnan()
    done = run.head.step(x, *run.head.start(x), rows.labels)
    assert (float(done.loss_sum), done.n_tokens) == (0.0, 0)


@pytest.mark.row("S3-T2")
@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_rate_warms_up_falls_and_ends_where_it_should(backbone: Backbone, schedule: str) -> None:
    """Issue 10: the schedule counts every step of the supervision and the group that remains, and warms up."""
    run = trainer(
        backbone, batches(5), schedule=schedule, epochs=2, accumulate_grad_batches=2, warmup_steps=4, min_lr_ratio=0.1
    )
    rates: list[float] = []
    run.run(on_step=lambda report: rates.append(report.learning_rate))
    assert len(rates) == 2 * 3 * 3
    assert rates[:4] == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3, 1e-3])
    assert all(after <= before for before, after in pairwise(rates[3:]))
    assert rates[-1] == pytest.approx(1e-4)
    with pytest.raises(UserError, match=r"warm-up of 99 steps is longer than the training of 15; lower warmup_steps"):
        trainer(backbone, batches(5), warmup_steps=99)


def test_a_faulty_schedule_that_forgets_the_remaining_group_rises_again() -> None:
    """Issue 10: (batches // acc) x N_sup is the length system 003 gives torch's cosine, which then turns back."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    n_batches, acc, n_sup = 5, 2, 3
    faulty = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, (n_batches // acc) * n_sup, eta_min=0.1)
    rates = []
    for _ in range(math.ceil(n_batches / acc) * n_sup):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        faulty.step()
    assert rates[-1] > min(rates) + 0.1
    right = RecursiveTrainingConfig(learning_rate=1.0, min_lr_ratio=0.1).plan(9)
    assert min(map(right, range(9))) == right(8) == pytest.approx(0.1)


@pytest.mark.row("S3-T2")
def test_p12_the_average_is_the_closed_form_and_is_what_is_evaluated(backbone: Backbone, tmp_path: Path) -> None:
    """Issue 17."""
    run = trainer(backbone, batches(2))
    history = [run.updates.flat.weights.double().clone()]
    run.run(tmp_path / "run", on_step=lambda _: history.append(run.updates.flat.weights.double().clone()))
    assert run.updates.average is not None
    expected = history[0]
    for t, weights in enumerate(history[1:], start=1):
        decay = min(0.9, (1 + t) / (10 + t))
        expected = decay * expected + (1 - decay) * weights
    average = run.updates.average.parameters.weights
    assert average.dtype is torch.float32
    torch.testing.assert_close(average.double(), expected, rtol=1e-5, atol=1e-7)
    assert not torch.equal(average, run.updates.flat.weights)
    loaded = load_head(tmp_path / "run", backbone)
    for name, tensor in run.evaluated.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    net = run.head.recursion.net
    assert not torch.equal(loaded.recursion.net.layers[0].mlp.up.weight, net.layers[0].mlp.up.weight)  # type: ignore[union-attr]


def test_a_faulty_average_in_bfloat16_stands_still() -> None:
    """Issue 17: shadow x 0.999 + 0.001 x weight rounds back to the shadow, thousands of times."""
    torch.manual_seed(0)
    shadow, weight = torch.randn(200).bfloat16(), torch.randn(200).bfloat16()
    shadow += (shadow == weight).bfloat16()
    before = shadow.clone()
    for _ in range(300):
        shadow = shadow * 0.999 + weight * 0.001
    assert (shadow == before).float().mean() > 0.5
    model = torch.nn.Linear(200, 1)
    flat = FlatParameters.of(model)
    average = WeightAverage(model, flat, 0.999)
    start = average.parameters.weights.clone()
    flat.weights.add_(0.01)
    average.update()
    used = slice(0, 200)
    assert (average.parameters.weights[used] != start[used]).all()


def _files(directory: Path) -> dict[str, str]:
    return {str(p.relative_to(directory)): file_sha256(p) for p in sorted(directory.rglob("*")) if p.is_file()}


@pytest.mark.row("S3-O1")
def test_p13_the_same_seed_gives_the_same_files(backbone: Backbone, tmp_path: Path) -> None:
    for name in ("a", "b"):
        torch.manual_seed(0)
        trainer(backbone, batches(2)).run(tmp_path / name)
    assert _files(tmp_path / "a") == _files(tmp_path / "b")
    torch.manual_seed(0)
    trainer(backbone, batches(2), seed=1).run(tmp_path / "c")
    assert _files(tmp_path / "a")["model.safetensors"] != _files(tmp_path / "c")["model.safetensors"]


@pytest.mark.row("S3-O1")
@pytest.mark.parametrize("stop_at", [1, 3, 5, 7])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(backbone: Backbone, tmp_path: Path, stop_at: int) -> None:
    """Issue 8: step, epoch, optimizer, schedule, average, carried states and random state; within a group too."""
    keys = {"accumulate_grad_batches": 2, "warmup_steps": 2, "epochs": 2}
    torch.manual_seed(5)
    trainer(backbone, batches(3), **keys).run(tmp_path / "whole")
    torch.manual_seed(5)
    trainer(backbone, batches(3), **keys).run(tmp_path / "parts", stop_at=stop_at)
    torch.manual_seed(99)
    again = RecursiveTrainer.resume(tmp_path / "parts", backbone, batches(3))
    assert (again.step, again.epoch) == (stop_at, stop_at // 6)
    again.run(tmp_path / "parts")
    assert _files(tmp_path / "parts") == _files(tmp_path / "whole")


def test_faulty_resuming_of_the_weights_alone_ends_elsewhere(backbone: Backbone, tmp_path: Path) -> None:
    """Issue 8: what system 003's --resume does."""
    whole = trainer(backbone, batches(2))
    whole.run()
    stopped = trainer(backbone, batches(2))
    stopped.run(stop_at=3)
    faulty = trainer(backbone, batches(2))
    faulty.head.load_state_dict(stopped.head.state_dict())
    faulty.step = 3
    faulty.run()
    assert not torch.allclose(faulty.updates.flat.weights, whole.updates.flat.weights, atol=1e-4)


@pytest.mark.row("S3-O1")
def test_states_are_saved_as_often_as_asked_and_hold_no_pickles(backbone: Backbone, tmp_path: Path) -> None:
    """Issues 18 and 21: JSON and safetensors, and the steps of the supervision are in them."""
    run = trainer(backbone, batches(2), save_interval=2)
    found: list[int] = []
    original = run.save
    run.save = lambda directory, metrics=None: (found.append(run.step), original(directory, metrics))[1]  # type: ignore[method-assign]
    run.run(tmp_path / "run")
    assert found == [2, 4, 6]
    names = set(_files(tmp_path / "run"))
    assert names == {
        "trm.json", "model.safetensors", "manifest.json",
        "training_state/state.json", "training_state/state.safetensors",
    }  # fmt: skip
    about = read_about(tmp_path / "run")
    assert about["trm"]["n_supervision"] == 3
    head = load_head(tmp_path / "run", backbone)
    assert TrmModel(backbone, head).n_supervision == 3, "as in training, unless another number is asked for"
    assert TrmModel(backbone, head, n_supervision=5).n_supervision == 5


def test_another_number_of_steps_than_in_training_is_another_function(backbone: Backbone) -> None:
    """Issue 21: system 003 trains with 8 and evaluates with 16."""
    run = trainer(backbone, batches(1))
    run.run()
    ids = torch.from_numpy(batch(3).ids)
    trained = TrmModel(backbone, run.evaluated)(ids)
    assert torch.equal(trained, TrmModel(backbone, run.evaluated, n_supervision=3)(ids))
    assert not torch.allclose(trained, TrmModel(backbone, run.evaluated, n_supervision=1)(ids), atol=1e-4)


@pytest.mark.row("S3-T4")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The .grad attribute")  # of torch, in its own compiler
def test_a_compiled_head_keeps_the_names_of_its_weights(backbone: Backbone, tmp_path: Path) -> None:
    """Issue 14."""
    names = set(trainer(backbone, batches(1)).head.state_dict())
    compiled = trainer(backbone, batches(1), compile=True)
    assert compiled.head.recursion.net._compiled_call_impl is not None
    compiled.head.recursion.net.compile(backend="eager")  # the same way, without a compiler of C++
    compiled.run(tmp_path / "run")
    assert set(compiled.head.state_dict()) == names
    assert set(load_head(tmp_path / "run", backbone).state_dict()) == names
    plain = trainer(backbone, batches(1))
    plain.run()
    torch.testing.assert_close(compiled.updates.flat.weights, plain.updates.flat.weights, rtol=1e-3, atol=1e-5)
    faulty = torch.compile(plain.head, backend="eager")
    assert all(name.startswith("_orig_mod.") for name in faulty.state_dict())


def test_in_bfloat16_weights_stay_float32_and_every_one_of_them_moves(backbone: Backbone) -> None:
    run = trainer(backbone, batches(1), {"start": "fixed"}, precision="bf16")
    before = {name: tensor.clone() for name, tensor in run.head.named_parameters()}
    run.run()
    for name, parameter in run.head.named_parameters():
        assert parameter.dtype is torch.float32
        assert (parameter != before[name]).all(), name


def test_the_head_of_the_backbone_is_trained_only_where_asked(backbone: Backbone) -> None:
    frozen, free = trainer(backbone, batches(1)), trainer(backbone, batches(1), {"freeze_lm_head": False})
    start = backbone.lm_head()[0].clone()
    for run in (frozen, free):
        run.run()
    assert torch.equal(frozen.head.lm_head, start)
    assert torch.equal(backbone.lm_head()[0], start)
    assert not torch.equal(free.head.lm_head, start)


def test_another_backbone_other_batches_and_a_damaged_file_are_refused_in_one_line(
    backbone: Backbone, tmp_path: Path
) -> None:
    trainer(backbone, batches(1)).run(tmp_path / "run")
    other = load_backbone(tiny_qwen2(tmp_path / "other", seed=1))
    with pytest.raises(UserError, match=r"was trained on a backbone whose sha256 is [0-9a-f]{64}, and this one's"):
        load_head(tmp_path / "run", other)
    with pytest.raises(UserError, match=r"was trained on 1 batches per epoch, and these are 2"):
        RecursiveTrainer.resume(tmp_path / "run", backbone, batches(2))
    with pytest.raises(UserError, match=r"^no checkpoint at .*missing: no such directory$"):
        load_head(tmp_path / "missing", backbone)
    weights = tmp_path / "run" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(UserError, match=r"is truncated"):
        load_head(tmp_path / "run", backbone)


def test_a_faulty_checkpoint_with_a_pickled_config_cannot_be_read_safely(tmp_path: Path) -> None:
    """Issue 18: system 003 saves its dataclass beside the weights, and torch refuses to run what that needs."""
    torch.save({"head": {}, "config": StepReport(1, 0, 0, 0.5, 3, 1e-4, 1.0)}, tmp_path / "trm_model.pt")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "trm_model.pt")


BOUND = re.compile(r"sys\.path\.\w+\([^)]*[\"']/|\.cuda\(|device\s*=\s*[\"']cuda|/home/|/root/|/content/")
"""What ties code to one machine; a contest's host says itself where its modules lie."""


def test_nothing_of_one_machine_is_in_the_code() -> None:
    """Issue 20: no device and no path is written down where a user could not choose it."""
    for faulty in (
        'sys.path.insert(0, "/home/user/MathLLM")',
        'device="cuda"',
        "model.cuda()",
    ):  # as system 003 has them
        assert BOUND.search(faulty)
    folders = [Path(longhand.olympiad.__path__[0]), Path(longhand.models.__path__[0])]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    assert len(files) > 20
    for file in files:
        assert not BOUND.search(file.read_text(encoding="utf-8")), file


def test_the_base_of_the_positions_is_that_of_the_backbone(backbone: Backbone, tmp_path: Path) -> None:
    """Issue 23: transformers 5 keeps it in `rope_parameters`; system 003 writes 1,000,000 whatever the model says."""
    assert not hasattr(backbone.module.config, "rope_theta")
    assert config_for(backbone).rope_theta == 5_000.0
    keys = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}}
    other = load_backbone(tiny_qwen2(tmp_path / "math", **keys))
    assert config_for(other).rope_theta == 10_000.0
    right, faulty = (
        TrmModel(other, _untrained(other, config_for(other, **TRM, **theta))) for theta in ({}, {"rope_theta": 1e6})
    )
    ids = torch.from_numpy(batch(0).ids)
    assert not torch.allclose(right(ids), faulty(ids), atol=1e-3)


def _untrained(backbone: Backbone, config: TrmConfig) -> Any:
    return RecursiveTrainer(backbone, config, RecursiveTrainingConfig(), FixedBatches([batch(0)])).head


def test_there_have_to_be_batches() -> None:
    with pytest.raises(UserError, match=r"^there are no batches to train on; give at least one$"):
        FixedBatches([])
