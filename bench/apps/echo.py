"""The smallest app that takes scans: keys in `on_event`, one line painted again at Enter. It neither looks up nor saves."""

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static


class EchoApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.typed: list[str] = []

    def compose(self) -> ComposeResult:
        self.line = Static("echo app")
        yield self.line

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key):
            await super().on_event(event)
        elif event.key == "enter":
            self.line.update("".join(self.typed), layout=False)
            self.typed.clear()
        elif event.character:
            self.typed.append(event.character)


if __name__ == "__main__":
    EchoApp().run()
