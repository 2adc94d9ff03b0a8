import numpy as np
import pytest

from training.realism import kid, kid_of_pairs, squared_mmd


def test_two_draws_of_one_distribution_are_no_distance_apart():
    rng = np.random.default_rng(0)
    mean, error = kid(rng.normal(size=(300, 8)), rng.normal(size=(300, 8)), subset=100, subsets=40)
    assert abs(mean) < 4 * error + 0.02


def test_a_shift_is_seen_and_grows():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(200, 8))
    near, far = (kid(a, rng.normal(size=(200, 8)) + shift, 100, 20)[0] for shift in (0.5, 1.5))
    assert 0.05 < near < far


def test_equals_the_double_sum_of_the_paper():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))

    def k(x, y):
        return (x @ y / 3 + 1) ** 3

    pairs = [(i, j) for i in range(5) for j in range(5)]
    within = sum(k(a[i], a[j]) + k(b[i], b[j]) for i, j in pairs if i != j) / 20
    across = sum(k(a[i], b[j]) for i, j in pairs) / 25
    assert squared_mmd(a, b) == pytest.approx(within - 2 * across)


def test_a_subset_larger_than_the_sample_is_refused():
    with pytest.raises(ValueError, match="subset of 10"):
        kid(np.zeros((5, 2)), np.zeros((20, 2)), subset=10, subsets=2)


def test_kid_of_pairs_is_nothing_for_faithful_copies_and_grows_with_the_distance():
    """Row by row the same people: KID over both sides together would be below zero by many of its errors."""
    rng = np.random.default_rng(0)
    people = rng.normal(size=(40, 8))
    copies = people + 0.05 * rng.normal(size=people.shape)
    mean, error = kid_of_pairs(people, copies)
    assert abs(mean) < 2.5 * error
    biased, sem = kid(people, copies, subset=20, subsets=50)
    assert biased < -2.5 * sem
    near, far = (kid_of_pairs(people, copies + shift)[0] for shift in (0.7, 1.5))
    assert error < near < far


def test_kid_of_pairs_knows_how_much_it_varies_with_the_people():
    rng = np.random.default_rng(1)
    found = [kid_of_pairs(people, people + 0.3, halvings=200) for people in rng.normal(size=(20, 40, 8))]
    spread, told = np.std([mean for mean, _ in found]), np.mean([error for _, error in found])
    assert 0.5 < told / spread < 2
