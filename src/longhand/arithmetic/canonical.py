"""One key for a fact and its twins, so that no split can hold a problem out and teach it elsewhere."""

from __future__ import annotations

from longhand.arithmetic.problem import COMPARISON, OPERATORS, Problem, Term, signed_terms

# The first element of every key: what the rest of it means.
SUM_FACT, PRODUCT_FACT, TERMS, LITERAL, ORDER_FACT = 1, 2, 3, 4, 5


def canonical_key(problem: Problem, *, inverse: bool = False) -> tuple[int, ...]:
    """Return integers shared by a problem and those that a calculator of the same skill gets for free.

    Without `inverse`, problems share a key if one becomes the other by reordering terms and factors:

    - `(3, remainder, n, sign, n_above, *above, *below, n, ...)`: the terms in ascending order, each the `n`
      integers after it: its sign (1 or -1), the number of factors above the fraction bar, those factors in
      ascending order, then the divisors in ascending order. `remainder` is 1 for a division with remainder.
    - `(4, operand, code, operand, code, ...)` where the order says what is meant: a chain read from left to
      right that mixes `+ -` with `* /`. The code of an operator is its place in `OPERATORS`.
    - `(5, a, b)`, ascending, for a comparison: `a?b` tells `b?a`.

    With `inverse`, a fact of two operands has the key of its family instead, whatever the signs:

    - `(1, x, y)` for `a+b=c` and `a-b=c`: the two smaller of |a|, |b|, |c|, ascending (the third is their sum);
    - `(2, x, y)` for `a*b=c` and a division `c/b=a` without remainder: |a| and |b|, ascending;
    - `(5, x, y)` for `a?b`: |a| and |b|, ascending.
    """
    operators = set(problem.operators)
    if inverse and len(problem.operators) == 1:
        family = _family(problem.operators[0], *problem.operands)
        if family is not None:
            return family
    if COMPARISON in operators:
        return (ORDER_FACT, *sorted(problem.operands))
    mixed = not (operators <= {"+", "-"} or operators <= {"*", "/"})
    if mixed and problem.semantics == "left_to_right":
        words = [problem.operands[0]]
        for operator, operand in zip(problem.operators, problem.operands[1:], strict=True):
            words += [OPERATORS.index(operator), operand]
        return (LITERAL, *words)
    remainder = int(problem.division == "remainder" and "/" in operators)
    terms = sorted(_sorted_term(term) for term in signed_terms(problem))
    return (TERMS, remainder, *(word for term in terms for word in (len(term), *term)))


def is_basic_fact(problem: Problem, *, inverse: bool = False) -> bool:
    """Whether a problem belongs to the tables that are learnt by heart: two numbers of one digit.

    With `inverse` its family decides: 17-8 is one as 8+9 is, 56/7 as 7*8.
    """
    if len(problem.operands) != 2:
        return False
    family = _family(problem.operators[0], *problem.operands) if inverse else None
    numbers = problem.operands if family is None else family[1:]
    return max(map(abs, numbers)) <= 9


def _family(operator: str, a: int, b: int) -> tuple[int, int, int] | None:
    match operator:
        case "+" | "-":
            small, large, _ = sorted((abs(a), abs(b), abs(a + b if operator == "+" else a - b)))
            return (SUM_FACT, small, large)
        case "*" | "?":
            small, large = sorted((abs(a), abs(b)))
            return (PRODUCT_FACT if operator == "*" else ORDER_FACT, small, large)
        case _ if a % b == 0:
            small, large = sorted((abs(a // b), abs(b)))
            return (PRODUCT_FACT, small, large)
    return None


def _sorted_term(term: Term) -> tuple[int, ...]:
    factors = list(zip(term.operators, term.operands[1:], strict=True))
    above = sorted([term.operands[0], *(operand for operator, operand in factors if operator == "*")])
    below = sorted(operand for operator, operand in factors if operator == "/")
    return (term.sign, len(above), *above, *below)
