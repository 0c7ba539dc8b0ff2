"""One key for all spellings of the same fact."""

from __future__ import annotations

from longhand.arithmetic.problem import Problem, signed_terms

# Family codes, the first element of every key.
SUM_FACT, PRODUCT_FACT, TERMS, LITERAL = 1, 2, 3, 4
_CODES = {"+": 0, "-": 1, "*": 2, "/": 3}


def canonical_key(problem: Problem, *, inverse: bool = False) -> tuple[int, ...]:
    """Return integers that are equal exactly for problems that state the same fact.

    Commuted twins always share a key: terms of a sum and factors of a product are sorted. With `inverse`, a
    two-operand fact has the key of its family:

    - `a+b=c`, `b+a=c`, `c-a=b`, `c-b=a`, and `a-c=-b` too, are `(1, small, large)`: the sorted addends of the
      largest way to read them as a sum, that is of `x+y` with the two smaller numbers x, y;
    - `a*b=c`, `b*a=c`, `c/a=b`, `c/b=a` with factors of at least 1 are `(2, small, large)`.

    Division with remainder keeps a key of its own unless the remainder is 0.
    """
    if inverse and len(problem.operators) == 1:
        family = _family(problem)
        if family is not None:
            return family
    operators = set(problem.operators)
    chain = operators <= {"+", "-"} or operators <= {"*", "/"}
    if problem.semantics == "left_to_right" and not chain:
        # Reordering operands of a mixed chain read from left to right would change what it says.
        return (LITERAL, *_flat(problem.operands, problem.operators))
    terms = sorted((sign, *_sorted_product(factors, signs)) for sign, factors, signs in signed_terms(problem))
    remainder = int(problem.division == "remainder" and "/" in operators)
    # Lengths keep terms apart, so that no two different lists of terms flatten to the same key.
    return (TERMS, remainder, *(number for term in terms for number in (len(term), *term)))


def _family(problem: Problem) -> tuple[int, int, int] | None:
    a, b = problem.operands
    match problem.operators[0]:
        case "+":
            return (SUM_FACT, min(a, b), max(a, b))
        case "-":
            small, large = sorted((min(a, b), abs(a - b)))
            return (SUM_FACT, small, large)
        case "*" if min(a, b) >= 1:
            return (PRODUCT_FACT, min(a, b), max(a, b))
        case "/" if min(a, b) >= 1 and a % b == 0:
            return (PRODUCT_FACT, min(b, a // b), max(b, a // b))
    return None


def _sorted_product(factors: tuple[int, ...], signs: tuple[str, ...]) -> tuple[int, ...]:
    above = sorted([factors[0], *(f for f, s in zip(factors[1:], signs, strict=True) if s == "*")])
    below = sorted(f for f, s in zip(factors[1:], signs, strict=True) if s == "/")
    return (len(above), *above, *below)


def _flat(operands: tuple[int, ...], operators: tuple[str, ...]) -> list[int]:
    flat = [operands[0]]
    for operator, operand in zip(operators, operands[1:], strict=True):
        flat += [_CODES[operator], operand]
    return flat
