r"""A word problem as chat turns: the prompt a model is asked with, and the text it is trained on.

The law of this file: training text == prompt + answer + end mark, byte for byte, and the same of the token ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longhand.errors import UserError
from longhand.olympiad.data.boxed import ConversionError
from longhand.olympiad.data.word_problem import WordProblem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SYSTEM_PROMPT = r"Please reason step by step, and put your final answer within \boxed{}."
IGNORED = -100  # what torch's cross entropy leaves out

_PROBES = (("What is 1+1?", "2"), (" a\n", "\n\n  \\boxed{5}  \n"), ("'\u00e9\u4e8c", " x"))


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """Token ids of a whole row, of which the first `prompt_length` are the prompt; the last is the end mark."""

    ids: list[int]
    prompt_length: int

    @property
    def labels(self) -> list[int]:
        """What a model has to predict at every position, `IGNORED` where it is the prompt."""
        return [IGNORED] * self.prompt_length + self.ids[self.prompt_length :]


class ChatFormat:
    """Word problems as turns of a tokenizer's own chat template.

    Prompt and answer are encoded apart, so a model is trained on exactly the ids it is asked with, whatever the answer
    begins with: encoded together, the line feed that ends the prompt and one that begins the answer can become one
    token, which then belongs to both. Raises `UserError` if the tokenizer has no template or end mark, or does not
    keep text as it is.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, system: str | None = SYSTEM_PROMPT) -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise UserError("this tokenizer has no chat template; use that of an instruct model, or `train_bpe`")
        if tokenizer.eos_token is None or tokenizer.eos_token_id is None:
            raise UserError("this tokenizer has no end mark (eos_token), so a model could not learn when to stop")
        self.tokenizer, self.system = tokenizer, system
        self.eos: str = tokenizer.eos_token
        self.eos_id: int = int(tokenizer.eos_token_id)
        self._specials = tuple(sorted(token for token in _special_tokens(tokenizer) if token))
        for question, answer in _PROBES:
            prompt = self.prompt(question)
            self.training_text(question, answer)
            [row] = self._encode([prompt], [answer])
            if self.decode(row.ids) != prompt + answer + self.eos:
                raise UserError("this tokenizer does not keep text as it is; one that works on bytes does")

    def messages(self, question: str, answer: str | None = None) -> list[dict[str, str]]:
        """The turns: system, user, and assistant if there is an answer."""
        turns = [{"role": "system", "content": self.system}] if self.system is not None else []
        turns.append({"role": "user", "content": question})
        return turns if answer is None else [*turns, {"role": "assistant", "content": answer}]

    def prompt(self, question: str) -> str:
        """The text a model is asked with, up to where its answer begins."""
        return str(
            self.tokenizer.apply_chat_template(self.messages(question), tokenize=False, add_generation_prompt=True)
        )

    def prompt_ids(self, question: str) -> list[int]:
        """The ids of `prompt(question)`: a list, whatever `apply_chat_template` returns in this release."""
        return self._ids([self.prompt(question)])[0]

    def training_text(self, question: str, answer: str) -> str:
        """The text a model is trained on: prompt, answer, end mark, and nothing after it.

        Raises `UserError` if the template writes a finished conversation otherwise than prompt, answer and end mark;
        the blanks that most templates put behind it are left out, because nobody reads them after the end.
        """
        prompt = self.prompt(question)
        whole = str(self.tokenizer.apply_chat_template(self.messages(question, answer), tokenize=False))
        text = prompt + answer + self.eos
        if not whole.startswith(text) or whole[len(text) :].strip():
            raise UserError(
                "the chat template of this tokenizer writes a finished answer otherwise than it asks for one"
                f" (after the prompt: {whole[len(prompt) :][:60]!r}); use another template"
            )
        return text

    def encode(self, problems: Sequence[WordProblem]) -> list[EncodedRow | ConversionError]:
        """Token ids of each word problem, or why it has none: a question or answer with a special token in it."""
        found: list[EncodedRow | ConversionError] = []
        prompts, answers = [], []
        for problem in problems:
            if any(token in text for text in (problem.question, problem.solution) for token in self._specials):
                found.append(ConversionError("special token in the text"))
                continue
            text = self.training_text(problem.question, problem.solution)
            prompts.append(text[: len(text) - len(problem.solution) - len(self.eos)])
            answers.append(problem.solution)
            found.append(EncodedRow([], 0))
        rows = iter(self._encode(prompts, answers))
        return [entry if isinstance(entry, ConversionError) else next(rows) for entry in found]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens included, nothing tidied up."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def decode_answer(self, ids: Sequence[int], prompt_length: int) -> str:
        """What a model wrote after the first `prompt_length` ids, up to its end mark.

        The cut is between tokens: counted in characters it would be off by every special token that decoding hides.
        """
        written = list(ids[prompt_length:])
        if self.eos_id in written:
            written = written[: written.index(self.eos_id)]
        return self.decode(written)

    def _encode(self, prompts: list[str], answers: list[str]) -> list[EncodedRow]:
        asked, answered = self._ids(prompts), self._ids(answers)
        return [EncodedRow([*a, *b, self.eos_id], len(a)) for a, b in zip(asked, answered, strict=True)]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()  # some are saved with a length at which they cut without a word
        backend.no_padding()
        return [list(encoding.ids) for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]


def _special_tokens(tokenizer: PreTrainedTokenizerFast) -> set[str]:
    added = tokenizer.backend_tokenizer.get_added_tokens_decoder().values()
    return {str(token.content) for token in added if token.special} | set(tokenizer.all_special_tokens)
