import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-scenarios", action="store_true", help="write the traces of tests/scenarios anew"
    )


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether traces are written rather than compared."""
    return bool(request.config.getoption("--rewrite-scenarios", default=False))
