"""A byte-level BPE tokenizer for small models of our own, with digits apart and chat turns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.atomic import replacing_directory
from longhand.errors import UserError
from longhand.integrations.extras import extra

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT, TURN, END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (END_OF_TEXT, TURN, END_OF_TURN)
SMALLEST = 256 + len(SPECIALS)  # one token for every byte

# ChatML: https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md
TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def train_bpe(corpus: Iterable[str], vocab_size: int = 2048) -> PreTrainedTokenizerFast:
    """A tokenizer learnt from `corpus`: any text comes back as it was, every digit is a token of its own.

    `vocab_size` counts the bytes and the three marks of ChatML, of which `<|im_end|>` ends an answer and
    `<|endoftext|>` fills up batches; a small corpus gives fewer. The same corpus gives the same tokenizer. Raises
    `UserError` if `vocab_size` has no room for all bytes.
    """
    if vocab_size < SMALLEST:
        raise UserError(f"vocab_size {vocab_size} has no room for every byte and the marks; give {SMALLEST} or more")
    with extra("olympiad"):
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
        from transformers import PreTrainedTokenizerFast
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END_OF_TURN,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[TURN],
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, path: Path | str) -> None:
    """Write a tokenizer as a folder that `load_tokenizer` and Hugging Face read, whole or not at all."""
    with replacing_directory(Path(path)) as folder:
        tokenizer.save_pretrained(folder)


def load_tokenizer(path: Path | str) -> PreTrainedTokenizerFast:
    """The tokenizer of a local folder; nothing is downloaded. Raises `UserError` if there is none."""
    path = Path(path)
    if not (path / "tokenizer.json").is_file():
        raise UserError(f"{path} has no tokenizer.json; name a local folder with a fast tokenizer")
    with extra("olympiad"):
        from transformers import AutoTokenizer
    try:
        tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the tokenizer in {path} cannot be read: {str(error).splitlines()[0]}") from error
    return tokenizer
