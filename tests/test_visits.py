import pytest

from webcast.app.visits import Visits


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_what_is_put_is_got_with_its_token_only(clock):
    visits = Visits(8, 60, clock)
    mine, other = visits.put("mine"), visits.put("other")
    assert mine != other
    assert len(mine) >= 24
    assert (visits.get(mine), visits.get(other)) == ("mine", "other")


@pytest.mark.parametrize("token", [None, "", "guess", 5, ["a"], {"token": "a"}, "x" * 10**6])
def test_another_token_gives_nothing_and_is_not_taken_over(clock, token):
    visits = Visits(8, 60, clock)
    visits.put("mine")
    assert visits.get(token) is None
    assert visits.put("new", token) != token


def test_a_value_can_be_replaced(clock):
    visits = Visits(8, 60, clock)
    token = visits.put("old")
    assert visits.put("new", token) == token
    assert visits.get(token) == "new"


def test_it_is_forgotten_a_while_after_it_was_last_asked_for(clock):
    visits = Visits(8, 60, clock)
    token, other = visits.put("mine"), visits.put("other")
    clock.now = 50
    assert visits.get(token) == "mine"
    clock.now = 100
    assert visits.get(token) == "mine"
    assert visits.get(other) is None
    clock.now = 161
    visits.forget_old()
    assert visits.get(token) is None


def test_over_the_capacity_the_one_not_asked_for_the_longest_goes(clock):
    visits = Visits(2, 60, clock)
    first, second = visits.put(1), visits.put(2)
    visits.get(first)
    third = visits.put(3)
    assert [visits.get(token) for token in (first, second, third)] == [1, None, 3]
