from mutations import mutations


def changed(source):
    """Each kind of change with the sources that come of it."""
    found = {}
    content = source.encode("utf-8")
    for mutation in mutations(content):
        found.setdefault(mutation.kind, []).append(mutation.apply(content).decode("utf-8"))
    return found


def test_a_comparison_becomes_its_next_boundary_and_its_opposite():
    assert changed("a < b")["comparison"] == ["a <= b", "a >= b"]
    assert changed("a is  not b")["comparison"] == ["a is b"]
    assert changed("a not in b")["comparison"] == ["a in b"]
    assert changed("0 < a <= 1")["comparison"] == ["0 <= a <= 1", "0 >= a <= 1", "0 < a < 1", "0 < a > 1"]


def test_operators_become_others_wherever_they_stand():
    assert changed("(a + b) * c")["arithmetic"] == ["(a - b) * c", "(a + b) / c"]
    assert changed("a += b")["arithmetic"] == ["a -= b"]
    assert changed("a and b or c")["boolean"] == ["a or b or c", "a and b and c"]
    assert changed("not a") == {"negation removed": ["(a)"]}
    assert changed("-a") == {"sign removed": ["a"]}


def test_constants_become_their_neighbours():
    assert changed("x = 3")["constant"] == ["x = 4", "x = 2"]
    assert changed("x = 0")["constant"] == ["x = 1", "x = (-1)"]
    assert changed("x = 0.5")["constant"] == ["x = 1.0", "x = 0.25"]
    assert changed("x = True")["constant"] == ["x = False"]
    assert changed("x = 'key'")["constant"] == ["x = 'keyx'"]


def test_statements_are_removed_or_return_nothing():
    source = "def f(a):\n    if a:\n        raise ValueError('no')\n    a.b = 1\n    g(a)\n    return a\n"
    found = changed(source)
    assert [text.count("pass") for text in found["statement removed"]] == [1, 1]
    assert "raise" not in found["raise removed"][0]
    assert found["nothing returned"][0].endswith("return None\n")
    assert "if (not (a)):" in found["condition negated"][0]


def test_the_first_two_arguments_or_values_are_swapped():
    assert changed("x = f(a, b, c)")["swapped arguments"] == ["x = f(b, a, c)"]
    assert changed("return_value = a, b")["swapped values"] == ["return_value = b, a"]
    assert changed("x = f(*a, b)") == {}
    assert changed("x = min(a, b)") == {"function": ["x = max(a, b)"]}  # the order of its arguments does not matter


def test_messages_documentation_and_types_stay_as_they_are():
    source = '''
"""What it does."""
from a import b

@c(1)
def f(x: "int | str") -> "int | str":
    """Do 1 + 1."""
    assert x < 1
    isinstance(x, int | str)
    raise ValueError(f"{x + 1} is not {1 + 1}", 1)
'''
    assert changed(source).keys() == {"statement removed", "raise removed"}


def test_letters_that_take_several_bytes_move_nothing():
    assert changed("x = 'é' if a == 'ü' else b")["comparison"] == ["x = 'é' if a != 'ü' else b"]


def test_a_diff_shows_the_line_before_and_after():
    source = b"x = 1\ny = 2 < 3\n"
    mutation = next(one for one in mutations(source) if one.kind == "comparison")
    assert mutation.line == 2
    lines = mutation.diff(source, "a.py").splitlines()
    assert lines[:2] == ["--- a.py", "+++ a.py (comparison)"]
    assert lines[3:] == [" x = 1", "-y = 2 < 3", "+y = 2 <= 3"]
