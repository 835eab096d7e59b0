"""The smallest Textual app: one line of text."""

from textual.app import App, ComposeResult
from textual.widgets import Static

SHOWN = "minimal app"


class MinimalApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Static(SHOWN)


if __name__ == "__main__":
    MinimalApp().run()
