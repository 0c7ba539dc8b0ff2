"""An independent check of a certificate: `python -m longhand.certify.check MODEL`.

NumPy and this file are all it takes. It imports nothing of longhand: windows are listed by nested loops and not by
search, labels are computed anew, the network and its rounding are written a second time. It reads `config.json`,
`tokenizer.json`, the weights and `certificate.json`, and compares what it finds with what the certificate says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn

import numpy as np

DIGITS, LETTERS = "0123456789", "abcdefghij"
BOS, EOS = "<bos>", "<eos>"
U = 2.0**-53
EXP_UNITS = 8
SLACK = 1 + 1e-6
TINY = 1e-300
CHUNK = 2048

Window = tuple[str, ...]
Entry = tuple[Window, str, str]  # the window, what follows it, and the kind of place it is
Array = Any

CLAIMS = {
    "sum": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a+b=` in float64 writes the digits"
    " of a+b",
    "signed": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a+b=` and `a-b=` in float64 writes"
    " rows that end in a+b, and in a-b with its sign",
    "product": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a*b=` in float64 writes rows that"
    " end in a*b",
    "division": "for all whole numbers a >= 0 and b >= 1 of any length, b written without zeros in front, greedy"
    " decoding of `a/b=` in float64 writes rows that end in the quotient and the remainder",
    "compare": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a?b=` in float64 writes signs of"
    " which the last is <, = or > as a is less than b, equal to it or greater",
    "schoolbook": "for all whole numbers a, b >= 0 of any length, greedy decoding in float64 of `a+b=`, `a-b=`, `a*b=`"
    " and, where b >= 1 is written without zeros in front, `a/b=` writes rows that end in the sum, the difference with"
    " its sign, the product, and the quotient with its remainder",
}


class RefusedError(Exception):
    """The certificate does not hold; the message says why."""


# --- windows: every column a schoolbook can show ---------------------------------------------------------------------


def sums(operators: str) -> Iterator[Entry]:
    """Last token, a and b in this column and the one before, operator."""
    for op in operators:
        sign = 1 if op == "+" else -1
        behind = set()  # (a, b, last token, carry) that a column can leave
        for a, b in product(DIGITS, DIGITS):
            yield ("=", a, op, b, "=", op), column(int(a) + sign * int(b))[0], f"{op} first column"
        numbers = [(a, b) for a in (*DIGITS, BOS) for b in (*DIGITS, op) if a != BOS or b != op]
        for (a, b), carry in product(numbers, (0, 1)):
            behind.add((a, b, *column(value(a) + sign * (value(b) + carry))))
        for a0, b0, z0, c0 in sorted(behind):
            for a, b in product((*DIGITS, BOS) if a0 in DIGITS else (BOS,), (*DIGITS, op) if b0 in DIGITS else (op,)):
                window = (z0, a, a0, b, b0, op)
                if a == BOS and b == op:
                    if not c0:
                        yield window, EOS, "end"
                    elif op == "+":
                        yield window, "1", "last carry"
                    else:
                        yield window, "~", "borrow left over"
                else:
                    z, _ = column(value(a) + sign * (value(b) + c0))
                    kind = "column" if a != BOS and b != op else "one number is longer"
                    yield window, z, f"{op} {kind}"
        if op == "+":
            yield ("1", BOS, BOS, op, op, op), EOS, "end"
        else:
            yield from second_pass()


def second_pass() -> Iterator[Entry]:
    """The size of a negative answer: ten to the power less the digits before `~`."""
    for z in DIGITS:
        yield ("~", "~", "~", z, "=", "~"), column(-int(z))[0], "second pass"
    for before, owed in product(DIGITS, (0, 1)):
        m, c = column(-int(before) - owed)
        for z in DIGITS:
            yield (m, "~", "~", z, before, "~"), column(-int(z) - c)[0], "second pass"
        if c:  # a borrow is always left over: what is taken away is not 0
            yield (m, "~", "~", "~", before, "~"), EOS, "end of second pass"


def products() -> Iterator[Entry]:
    """Last token, this column above, digits of a and b, last carry, operator."""
    for b in DIGITS:
        for first in (True, False):
            start = "=" if first else ";"
            aboves = ("=",) if first else tuple(DIGITS)
            carries = {0}  # that a column of this row can receive
            while True:
                more = {(value(x) + int(a) * int(b) + c) // 10 for x in aboves for a in DIGITS for c in carries}
                if more <= carries:
                    break
                carries |= more
            later = {(value(x) + int(a) * int(b) + c) // 10 for x in aboves for a in DIGITS for c in carries}
            row = "first row" if first else "later row"
            cases = []  # (above, a, letter before, carry, kind)
            for x in aboves:
                if first:
                    cases += [(x, a, start, 0, f"{row}, first column") for a in DIGITS]
                else:
                    cases += [(x, "*", start, 0, f"{row}, first column"), (x, "*", "a", 0, "below a")]
                    cases += [(x, a, "a", 0, row) for a in DIGITS]
                cases += [(x, a, LETTERS[c], c, row) for a in DIGITS for c in later]
            for x, a, before, c, kind in cases:
                total = value(x) + value(a) * int(b) + c
                digit, letter = str(total % 10), LETTERS[total // 10]
                yield (before, x, a, b, before, "*"), digit, kind
                yield (digit, x, a, b, before, "*"), letter, "carry"
            for c in later:
                above = "=" if first else ";"
                yield (LETTERS[c], above, BOS, b, LETTERS[c], "*"), str(c), "highest digit"
                yield (str(c), above, BOS, b, LETTERS[c], "*"), ";", "end of row"
    for x in DIGITS:
        yield (";", x, "*", "*", ";", "*"), EOS, "end"


def divisions() -> Iterator[Entry]:
    """Last token, row above and divisor in this column and the one before, type, count or next digit, operator."""
    yield ("=", "=", "=", "=", "=", "=", "=", "/"), "S", "first type"
    yield ("S", "S", "S", "S", "S", "=", "=", "/"), "a", "count"
    for i, q in enumerate(LETTERS):
        if i < 9:
            yield ("S", "S", "S", "S", "S", "S", q, "/"), LETTERS[i + 1], "count"
        yield ("S", "S", "S", "S", "S", "T", q, "/"), "a", "count"
        yield ("T", "T", "T", "T", "T", "S", q, "/"), q, "count"
        for last in ("#", *DIGITS):
            yield (*[last] * 6, q, "/"), DIGITS[i], "quotient"
    for last in DIGITS:
        yield (*[last] * 6, "#", "/"), EOS, "end"
    for kind, above in (("S", "/"), ("S", "S"), ("S", "T"), ("T", "S")):
        yield from columns(kind, above)


def columns(kind: str, above: str) -> Iterator[Entry]:
    """The columns of a row of a division below a row of type `above`, `/` for the dividend itself."""
    first, sign = above == "/", -1 if kind == "S" else 1
    named = "column that takes" if kind == "S" else "column that restores"
    counts = "a" if above in "/T" else LETTERS[1:] if kind == "S" else LETTERS
    # Behind a column: (last token, row above, divisor, carry, whether the units of the divisor stand further left).
    states = {(count, above, "=", 0, False) for count in counts}
    seen = set(states)
    while states:
        new = set()
        for last, left0, d0, carry, low in states:
            divisors = ("=", *DIGITS) if d0 == "=" else ("/",) if d0 == "/" else (*DIGITS,) if first else (*DIGITS, "/")
            for d in divisors:
                if left0 == BOS:
                    lefts: tuple[str, ...] = (BOS,) if d in DIGITS else ()
                else:
                    lefts = (*DIGITS, BOS) if first and not low and d0 in DIGITS and d in DIGITS else (*DIGITS,)
                for left in lefts:
                    z, c = column(value(left) + sign * (value(d) + carry))
                    yield (last, left, left0, d, d0, kind, last, "/"), z, named
                    new.add((z, left, d, c, low or d == "="))
            if d0 in DIGITS or (d0 == "/" and not first):
                top = BOS if first else kind
                for further in DIGITS if low else "/":
                    label = ("T" if carry else "S") if kind == "S" else "S" if low else "#"
                    yield (last, top, left0, "/", d0, kind, further, "/"), label, "end of row"
        states = new - seen
        seen |= new


def comparisons() -> Iterator[Entry]:
    """Last token, a and b in this column, operator."""
    for last, a, b in product("<=>", (*DIGITS, BOS), (*DIGITS, "?")):
        if a == BOS and b == "?":
            yield (last, a, b, "?"), EOS, "end"
            continue
        sign = "<" if value(a) < value(b) else ">" if value(a) > value(b) else last
        kind = "one number is longer" if a == BOS or b == "?" else "digits agree" if a == b else "digits differ"
        yield (last, a, b, "?"), sign, kind


def column(total: int) -> tuple[str, int]:
    """The digit of a column, and what is carried or borrowed."""
    return str(total % 10), int(not 0 <= total <= 9)


def value(token: str) -> int:
    """What a token is worth; 0 where there is no digit."""
    return int(token) if token in DIGITS else 0


def wide(entries: Iterator[Entry], n_slots: int) -> Iterator[Entry]:
    """The windows with more slots, which hold the last token."""
    for window, label, kind in entries:
        yield (*window[:-1], *[window[0]] * (n_slots - len(window)), window[-1]), label, kind


LAYOUTS: dict[str, tuple[int, Callable[[], Iterator[Entry]]]] = {
    "sum": (6, lambda: sums("+")),
    "signed": (6, lambda: sums("+-")),
    "product": (6, products),
    "division": (8, divisions),
    "compare": (4, comparisons),
    "schoolbook": (8, lambda: (e for part in (sums("+-"), products(), divisions()) for e in wide(part, 8))),
}


def list_windows(layout: str, tokens: list[str]) -> tuple[Array, Array, dict[str, int], str]:
    """Windows [n, n_slots] and labels [n] as ids, windows per kind, and the hash of the sorted list."""
    n_slots, entries = LAYOUTS[layout]
    ids = {token: i for i, token in enumerate(tokens)}
    found: dict[Window, str] = {}
    kinds: dict[str, int] = {}
    for window, label, kind in entries():
        if len(window) != n_slots:
            refuse(f"P2: the window {window} has {len(window)} slots, not {n_slots}")
        if window not in found:
            found[window] = label
            kinds[kind] = kinds.get(kind, 0) + 1
        elif found[window] != label:
            refuse(f"P5: the window {window} would be followed by {found[window]!r} and by {label!r}")
    windows = np.array([[ids[token] for token in window] for window in found])
    labels = np.array([ids[label] for label in found.values()])
    rows = np.concatenate([windows, labels[:, None]], axis=1).astype("<u2")
    digest = hashlib.sha256(rows[np.lexsort(rows.T[::-1])].tobytes()).hexdigest()
    return windows, labels, kinds, digest


# --- the network, and how far rounding can take it -------------------------------------------------------------------


class Number:
    """An array and a bound, of the same shape, on how far each entry is from the exact value."""

    def __init__(self, value: Array, error: Array | None = None) -> None:
        self.value = value
        self.error = np.zeros_like(value) if error is None else error

    def map(self, rearrange: Callable[[Array], Array]) -> Number:
        """The same entries in another arrangement."""
        return Number(rearrange(self.value), rearrange(self.error))

    def plus(self, other: Number) -> Number:
        """The sum."""
        total = self.value + other.value
        return Number(total, (self.error + other.error + U * abs(total)) * SLACK)

    def times(self, weight: Array) -> Number:
        """The product with the transpose of a matrix that is known exactly."""
        size = abs(weight).T
        error = gamma(weight.shape[1]) * (abs(self.value) @ size) + self.error @ size
        return Number(self.value @ weight.T, error * SLACK + TINY)

    def normed(self, weight: Array, eps: float) -> Number:
        """RMS norm over the last axis: the root moves by at most |error| / sqrt(d) where its input moves by error."""
        d = self.value.shape[-1]
        root = np.sqrt((self.value**2).mean(axis=-1, keepdims=True) + eps)
        moved = np.sqrt((self.error**2).sum(axis=-1, keepdims=True) / d) * SLACK
        own = gamma(d + 8)
        least = root * (1 - own) - moved
        if not (least > 0).all():
            refuse("P9: the bound on rounding is larger than what is normalised")
        result = self.value / root * weight
        off = abs(weight) * (self.error / least + abs(self.value) * moved / (root * (1 - own) * least))
        return Number(result, (off + own * abs(result)) * SLACK + TINY)


def gamma(n: int) -> float:
    """The relative error of a sum of n products (Higham 2002, lemma 3.1)."""
    return n * U / (1 - n * U)


def run_network(weights: dict[str, Array], model: dict[str, Any], windows: Array) -> Number:
    """Logits [n, vocab] of windows [n, n_slots], with bounds."""
    parts = [_run(weights, model, windows[i : i + CHUNK]) for i in range(0, len(windows), CHUNK)]
    return Number(np.concatenate([p.value for p in parts]), np.concatenate([p.error for p in parts]))


def _run(w: dict[str, Array], model: dict[str, Any], windows: Array) -> Number:
    n, n_slots = windows.shape
    heads, eps = int(model["n_heads"]), float(model["norm_eps"])
    table = Number(w["embedding.weight"])
    width = w["embedding.weight"].shape[1] // heads
    x = Number(w["embedding.weight"][windows[:, 0]])
    for i in range(int(model["n_layers"])):
        block = {name.split(".", 2)[2]: array for name, array in w.items() if name.startswith(f"blocks.{i}.")}
        wq, wk, wv = np.split(block["attention.qkv.weight"], 3)
        gain = block["attention_norm.weight"]
        memory = table.normed(gain, eps)
        q, k, v = x.normed(gain, eps).times(wq), memory.times(wk), memory.times(wv)
        gathered, error = np.empty((n, heads, width)), np.empty((n, heads, width))
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            share = _shares(q.map(lambda t: t[:, part]), k.map(lambda t: t[:, part]), windows, block, h)  # noqa: B023
            values = v.map(lambda t: t[windows][..., part])  # noqa: B023 - [n, n_slots, width]
            p, e = share.value[..., None], share.error[..., None]
            gathered[:, h] = (p * values.value).sum(axis=1)
            size = (p * abs(values.value)).sum(axis=1)
            off = (e * abs(values.value) + (p + e) * values.error).sum(axis=1)
            error[:, h] = (off + gamma(n_slots + 1) * size) * SLACK + TINY
        seen = Number(gathered.reshape(n, -1), error.reshape(n, -1))
        x = x.plus(seen.times(block["attention.out.weight"]))
        hidden = x.normed(block["mlp_norm.weight"], eps).times(block["mlp.up.weight"])
        x = x.plus(Number(np.maximum(hidden.value, 0), hidden.error).times(block["mlp.down.weight"]))
    return x.normed(w["norm.weight"], eps).times(w.get("head.weight", w["embedding.weight"]))


def _shares(q: Number, k: Number, windows: Array, block: dict[str, Array], head: int) -> Number:
    """The softmax over slots [n, n_slots] of one head."""
    keys, off_keys = k.value[windows], k.error[windows]  # [n, n_slots, width]
    width = q.value.shape[1]
    scale = width**-0.5
    raw = np.einsum("nc,nsc->ns", q.value, keys)
    size = np.einsum("nc,nsc->ns", abs(q.value), abs(keys))
    error = gamma(width) * size + np.einsum("nc,nsc->ns", q.error, abs(keys))
    error = (error + np.einsum("nc,nsc->ns", abs(q.value) + q.error, off_keys)) * SLACK + TINY
    score = Number(raw * scale, (error * scale + 3 * U * abs(raw * scale)) * SLACK)
    bias = block["attention.slot_bias"][head][None]
    score = score.plus(Number(np.broadcast_to(bias, raw.shape)))
    moved = score.value - score.value.max(axis=1, keepdims=True)
    share = np.exp(moved)
    share = share / share.sum(axis=1, keepdims=True)
    off = 2 * (score.error.max(axis=1, keepdims=True) + 2 * U * abs(moved).max(axis=1, keepdims=True)) * SLACK
    factor = np.expm1(off) + gamma(2 * (EXP_UNITS + windows.shape[1]) + 4) * np.exp(off)
    return Number(share, share * factor * SLACK + TINY)


# --- the comparison --------------------------------------------------------------------------------------------------


def check(directory: Path) -> str:
    """Check the certificate of a model; returns the claim, or raises `RefusedError` with what does not hold."""
    certificate, config = _json(directory / "certificate.json"), _json(directory / "config.json")
    tokens = _json(directory / "tokenizer.json")["tokens"]
    model, layout = config["model"], certificate["layout"]
    name = layout["name"]
    same("format", [certificate["format"], certificate["format_version"]], ["longhand-certificate", 1])
    same("kind", certificate["kind"], "windows")
    same("dtype", certificate["dtype"], "float64")
    if name not in LAYOUTS or model.get("layout") != name or model.get("block") != "window":
        refuse(f"layout: nothing is known of {name!r}, or the model has another")
    same("claim", certificate["claim"], CLAIMS[name])
    same("model", {**model, "num_parameters": config["num_parameters"]}, certificate["model"])
    for key, only in {"norm": "rmsnorm", "mlp": "relu", "norm_place": "pre", "n_loops": 1}.items():
        same(f"model.{key}", model[key], only)
    same("layout.tokens", layout["tokens"], tokens)
    described = json.dumps([name, layout["slots"], tokens], ensure_ascii=True, separators=(",", ":"))
    same("layout.sha256", layout["sha256"], hashlib.sha256(described.encode()).hexdigest())
    raw = (directory / "model.safetensors").read_bytes()
    same("weights_sha256", certificate["weights_sha256"], hashlib.sha256(raw).hexdigest())
    weights = read_safetensors(raw)

    windows, labels, kinds, digest = list_windows(name, tokens)
    listed = certificate["windows"]
    same("windows.count", listed["count"], len(windows))
    same("windows.by_kind", listed["by_kind"], kinds)
    same("windows.sha256", listed["sha256"], digest)

    logits = run_network(weights, model, windows)
    rows = np.arange(len(labels))
    right, doubt = logits.value[rows, labels][:, None], logits.error[rows, labels][:, None] + logits.error
    lead = right - logits.value
    slack = lead - 2 * doubt
    lead[rows, labels] = slack[rows, labels] = np.inf
    doubt[rows, labels] = 0
    if not (lead > 0).all():
        refuse(f"P8: the model is wrong after {int((lead.min(axis=1) <= 0).sum()):,} windows")
    if not (slack > 0).all():
        refuse(f"P9: rounding could change the answer after {int((slack.min(axis=1) <= 0).sum()):,} windows")
    close("margin.min", certificate["margin"]["min"], float(lead.min()))
    close("rounding.min_slack", certificate["rounding"]["min_slack"], float(slack.min()), 1e-3)
    close("rounding.max_bound", certificate["rounding"]["max_bound"], float(doubt.max()), 1e-3)
    same("rounding.unit", certificate["rounding"]["unit"], U)
    same("obligations", [o["id"] for o in certificate["obligations"]], [f"P{i}" for i in range(1, 13)])
    for obligation in certificate["obligations"]:
        same(f"{obligation['id']}.holds", obligation["holds"], True)
    return str(certificate["claim"])


def read_safetensors(raw: bytes) -> dict[str, Array]:
    """The tensors of a safetensors file, in float64, which holds float32 exactly."""
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        kind = {"F32": "<f4", "F64": "<f8"}.get(entry["dtype"])
        if kind is None:
            refuse(f"weights: {name} is stored as {entry['dtype']}, not as F32 or F64")
        start, stop = (8 + length + offset for offset in entry["data_offsets"])
        found[name] = np.frombuffer(raw[start:stop], dtype=kind).reshape(entry["shape"]).astype(np.float64)
    return found


def same(what: str, said: object, found: object) -> None:
    """Refuse a certificate that says something else than what was found."""
    if said != found or type(said) is not type(found):
        refuse(f"{what}: the certificate has {str(said)[:80]!r}, this check {str(found)[:80]!r}")


def close(what: str, said: float, found: float, relative: float = 1e-6) -> None:
    """Refuse a number that differs by more than rounding and the order of sums explain."""
    if not abs(said - found) <= relative * max(abs(found), 1e-6):
        refuse(f"{what}: the certificate has {said!r}, this check {found!r}")


def refuse(why: str) -> NoReturn:
    """Stop: the certificate does not hold."""
    raise RefusedError(why)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        refuse(f"cannot read {path}: {error}")
    if not isinstance(found, dict):
        refuse(f"{path} is no JSON object")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print what holds, or why it does not; exit code 0 or 1."""
    parser = argparse.ArgumentParser(
        prog="python -m longhand.certify.check", description="Check the certificates of models."
    )
    parser.add_argument(
        "models", nargs="+", type=Path, metavar="MODEL", help="directory of a checkpoint with its certificate"
    )
    failed = False
    for directory in parser.parse_args(arguments).models:
        started = perf_counter()
        try:
            claim = check(directory)
        except (RefusedError, KeyError, TypeError, ValueError, IndexError) as error:
            failed = True
            print(f"{directory}: REFUSED. {error if isinstance(error, RefusedError) else f'malformed: {error!r}'}")
        else:
            print(f"{directory}: holds ({perf_counter() - started:.1f} s). {claim[0].upper()}{claim[1:]}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
