import tallow.adapters


def test_the_package_says_what_to_do():
    assert "change the import" in tallow.adapters.__doc__
