from tallow.cli.explanations import PAGES, read_pages


def test_pages_are_split_at_their_headings() -> None:
    assert read_pages("# Title\n\nintro\n\n## A_B\n\none\n\ntwo\n\n## C\nthree\n") == {
        "A_B": "one\n\ntwo",
        "C": "three",
    }


def test_every_page_says_something() -> None:
    assert all(len(text) > 40 for text in PAGES.values())
