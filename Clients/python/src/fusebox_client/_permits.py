"""A call under a permit, in a blocking client."""

from __future__ import annotations

from time import monotonic

from . import _calls
from ._errors import FuseboxError
from ._held import NOT_ENTERED, HeldCall, abandon, log_unsettled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from ._call_end import CallEnd
    from ._calls import Asked, Settling
    from ._process import Process
    from ._requests import Pending
    from ._usage import Usage
    from .client import Client
    from .protocol.admission import MarkScope


class HeldPermit(HeldCall):
    """A call under a permit, in a blocking client; see `Client.permit`."""

    def __init__(
        self,
        client: Client,
        asked: Asked,
        longest: float,
        mark_scope: MarkScope | None,
    ) -> None:
        super().__init__(client.settings, mark_scope)
        self._client = client
        self._asked = asked
        self._longest = longest
        self._process: Process | None = None
        self._pending: Pending | None = None
        """The settle."""

    def __enter__(self) -> HeldPermit:
        self._begin()
        client = self._client
        process = client._here()
        pending = _calls.admit(*self._asked, monotonic())
        try:
            permit = client._admit(process, pending, self._asked)
            self._permit, self._process = permit, process
            if permit.number is not None:
                process.renewals.add(permit.number, self._asked[3], is_renewed=True, longest=self._longest)
            return self
        except BaseException as error:
            self._process = None
            client._give_up(process, pending, error)
            if self._permit is not None and self._permit.number is not None:
                process.renewals.remove(self._permit.number)
            raise

    def _check_entered(self) -> None:
        if self._permit is None:
            raise RuntimeError(NOT_ENTERED)

    @property
    def is_of_this_process(self) -> bool:
        return self._process is not None and self._client._is_of_this_process(self._process)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    def finish(self, error: BaseException | None = None) -> None:
        """Settles the call now, as the end of the block would. Later ends change nothing."""
        process = self._process
        if process is None or self.outcome is not None or not self.is_of_this_process:
            return
        try:
            end, used = self.ending(error)
            self.outcome = end.outcome
            self._settle(process, end, used)
        except BaseException:
            # An interruption. The call is settled all the same, and nobody waits for it.
            self._finish_soon(process, error)
            raise

    def _settle(self, process: Process, end: CallEnd, used: Usage | None) -> None:
        try:
            self.settling = self._sent(process, end, used)
        except FuseboxError as failure:
            process.exchange.note_dropped()
            log_unsettled(self.permit, failure)
            if used is None:
                return
            try:
                # The outcome counts although the usage does not.
                self.settling = self._sent(process, end, None)
            except FuseboxError:
                pass  # It was logged with its usage.

    def _sent(self, process: Process, end: CallEnd, used: Usage | None) -> Settling:
        self._pending = None
        self._pending = pending = _calls.settle(self.permit, end, used, is_kept=True)
        self._client._send(process, self.permit, pending)
        return _calls.kept_or_settled(pending, is_kept=True)

    def _finish_soon(self, process: Process, error: BaseException | None) -> None:
        """Settles the call, unless its settle was sent, and waits for nothing."""
        pending = self._pending or self._built(error)
        if self.permit.number is not None:
            process.renewals.remove(self.permit.number)
        process.exchange.keep(pending)

    def finish_later(self) -> None:
        """Settles the call as `finish` does, for finalizers: waits for nothing, and takes no lock.

        It is sent with the next request, or soon by the thread that renews permits.
        """
        process = self._process
        if process is None or self.outcome is not None or not self.is_of_this_process:
            return
        process.exchange.left.append(self._built(None))
        process.renewals.remove_later(self.permit.number)

    def _built(self, error: BaseException | None) -> Pending:
        """The settle. Without the usage if that is out of range."""
        end, used = self.ending(error)
        self.outcome = end.outcome
        try:
            return _calls.settle(self.permit, end, used, is_kept=True)
        except FuseboxError as failure:
            log_unsettled(self.permit, failure)
            return _calls.settle(self.permit, end, None, is_kept=True)

    def __del__(self) -> None:
        # Nobody can settle the call any more: its block was interrupted before its end began.
        if getattr(self, "_process", None) is not None and self.outcome is None:
            abandon(self)
            self.finish_later()
