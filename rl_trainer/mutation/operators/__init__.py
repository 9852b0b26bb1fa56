"""The ways of making a bug, each by the name that its tasks carry as their kind."""

from rl_trainer.mutation.operators.branches import (
    break_continue,
    drop_not,
    negate_condition,
    remove_branch,
    remove_condition,
    remove_loop,
)
from rl_trainer.mutation.operators.calls import (
    drop_call,
    drop_method,
    swap_arguments,
    wrong_builtin,
    wrong_method,
)
from rl_trainer.mutation.operators.expressions import (
    and_or,
    augmented_operator,
    binary_operator,
    comparison_boundary,
    comparison_opposite,
    swap_operands,
)
from rl_trainer.mutation.operators.numbers import (
    constant_off_by_one,
    flip_boolean,
    index_off_by_one,
    range_bound,
    slice_bound,
)
from rl_trainer.mutation.operators.operator import Operator
from rl_trainer.mutation.operators.statements import (
    remove_assignment,
    remove_call,
    remove_decorator,
    remove_raise,
    return_none,
    swap_statements,
)
from rl_trainer.mutation.operators.variables import wrong_variable

# What several ways come to alike keeps the first name: the special ones stand before the general.
OPERATORS: dict[str, Operator] = {
    operator.__name__: operator
    for operator in (
        range_bound,
        slice_bound,
        index_off_by_one,
        constant_off_by_one,
        flip_boolean,
        binary_operator,
        augmented_operator,
        swap_operands,
        comparison_boundary,
        comparison_opposite,
        and_or,
        drop_not,
        negate_condition,
        remove_condition,
        remove_branch,
        remove_loop,
        break_continue,
        return_none,
        remove_assignment,
        remove_call,
        remove_raise,
        remove_decorator,
        swap_statements,
        swap_arguments,
        drop_call,
        drop_method,
        wrong_builtin,
        wrong_method,
        wrong_variable,
    )
}
