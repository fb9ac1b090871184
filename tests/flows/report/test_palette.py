import itertools

import pytest

from tallow.domain.errors import UserError
from tallow.flows.report import palette

THEMES = ("light", "dark")
TEXT = [
    (ink, back) for ink in ("ink", "soft", "accent", "good", "warn", "bad") for back in ("page", "card", "band")
] + [("warn", "warn-back"), ("bad", "bad-back"), ("good", "good-back")]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),
        ("#0a0a0a", "#000000", 1.06),
    ],
)
def test_contrast_of_known_pairs(one: str, other: str, expected: float) -> None:
    assert palette.contrast(one, other) == pytest.approx(expected, abs=0.005)
    assert palette.contrast(other, one) == palette.contrast(one, other)


@pytest.mark.parametrize(("theme", "pair"), list(itertools.product(THEMES, TEXT)))
def test_text_reaches_the_contrast_of_wcag_aa(theme: str, pair: tuple[str, str]) -> None:
    ink, back = (palette.SURFACES[theme][role] for role in pair)
    assert palette.contrast(ink, back) >= 4.5


@pytest.mark.parametrize(("theme", "name"), list(itertools.product(THEMES, palette.PALETTES)))
def test_gains_and_losses_can_be_read(theme: str, name: str) -> None:
    surface = palette.SURFACES[theme]
    for colour in (colours[theme] for colours in palette.PALETTES[name]):
        assert min(palette.contrast(colour, surface[back]) for back in ("page", "card", "band")) >= 4.5
        shades = [palette.blend(colour, surface["card"], share / 100) for share in palette.HEAT]
        assert min(palette.contrast(surface["ink"], shade) for shade in shades) >= 4.5


@pytest.mark.parametrize(("theme", "role"), list(itertools.product(THEMES, ("edge", "mark"))))
def test_graphics_reach_three_to_one(theme: str, role: str) -> None:
    surface = palette.SURFACES[theme]
    assert min(palette.contrast(surface[role], surface[back]) for back in ("card", "page")) >= 3.0


@pytest.mark.parametrize(
    ("front", "back", "share", "expected"),
    [
        ("#ff0000", "#0000ff", 0.0, "#0000ff"),
        ("#ff0000", "#0000ff", 1.0, "#ff0000"),
        ("#ffffff", "#000000", 0.25, "#404040"),
    ],
)
def test_blend(front: str, back: str, share: float, expected: str) -> None:
    assert palette.blend(front, back, share) == expected


def test_red_and_green_change_places() -> None:
    up, down = palette.PALETTES["green-red"]
    assert palette.PALETTES["red-green"] == (down, up)


def test_every_palette_has_a_name_for_the_reader() -> None:
    assert set(palette.NAMES) == set(palette.PALETTES)


def test_check_palette_names_the_valid_ones() -> None:
    assert palette.check_palette("blue-orange") == "blue-orange"
    with pytest.raises(UserError) as caught:
        palette.check_palette("green-rad")
    assert caught.value.code == "UNKNOWN_PALETTE"
    assert caught.value.facts["nearest"].startswith("green-red")


def test_stylesheet_prints_light_and_knows_every_theme() -> None:
    style = palette.stylesheet("blue-orange")
    first = style.splitlines()[0]
    assert first.startswith(":root{color-scheme:light;")
    assert f"--up:{palette.PALETTES['blue-orange'][0]['light']};" in first
    assert "@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;" in style
    for name in palette.PALETTES:
        assert f":root[data-palette={name}]{{" in style
        assert f":root[data-theme=dark][data-palette={name}]{{" in style
    assert style.count("{") == style.count("}")
