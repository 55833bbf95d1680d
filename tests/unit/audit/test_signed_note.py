"""Signed notes and checkpoints, against the examples of C2SP and Go, and against everything that is nearly one."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from services.chassis.integrity.errors import IntegrityError, KeyInvalid, NoteMalformed, NoteUnverified
from services.chassis.integrity.note import Note, Signer, Verifier, sign_note

# The example of c2sp.org/signed-note.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72Iney"
    "aQM=\n"
).encode()

# The example of golang.org/x/mod/sumdb/note, whose private key is public.
GO_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    "\n"
).encode()

LOG = Signer("relay.example/ledger", b"l" * 32)
NEXT = Signer("relay.example/ledger", b"n" * 32)
OTHER = Signer("other.example/ledger", b"o" * 32)
CHECKPOINT = Checkpoint(LOG.name, 20_852_163, bytes(range(32)))
# A witness's line (Ed25519 cosignature, another type of key) under our name's checkpoint: unknown here, kept.
WITNESS_LINE = "\u2014 witness.example.com/w1 " + b64encode(b"\x8d\x66\xcf\x3f" + bytes(72)).decode() + "\n"


class TestNote:
    """Signing and opening notes."""

    def test_opens_the_example_of_the_specification(self) -> None:
        """The note and key printed in C2SP signed-note verify."""
        key = Verifier.parse(C2SP_KEY)

        assert Note.parse(C2SP_NOTE).signed_by([key]) == (key,)
        assert str(key) == C2SP_KEY

    def test_writes_what_go_writes(self) -> None:
        """With the key of Go's example, the same text gives the same bytes; Ed25519 leaves no choice."""
        signer = Signer.parse(GO_SECRET)
        text = Note.parse(GO_NOTE).text

        assert sign_note(text, [signer]) == GO_NOTE
        assert str(signer.verifier) == GO_KEY
        assert signer.secret() == GO_SECRET

    def test_ignores_signatures_of_unknown_keys(self) -> None:
        """Among three signatures one known key suffices; keys of one name and another id are other keys."""
        # Given a note by an old key, a new key of the same name, and a stranger
        note = Note.parse(sign_note("text\n", [LOG, NEXT, OTHER]))

        # Then each is found by whoever knows it
        assert note.signed_by([LOG.verifier]) == (LOG.verifier,)
        assert note.signed_by([NEXT.verifier, LOG.verifier]) == (LOG.verifier, NEXT.verifier)
        with pytest.raises(NoteUnverified, match="no trusted key"):
            note.signed_by([Signer("relay.example/ledger", b"x" * 32).verifier])
        with pytest.raises(NoteUnverified, match="no trusted key"):
            note.signed_by([])

    def test_is_refused_whole_when_a_known_key_fails(self) -> None:
        """A good signature does not make up for a bad one of another trusted key."""
        good, bad = sign_note("text\n", [LOG, OTHER]), sign_note("test\n", [OTHER])
        lines = good.decode().split("\n")
        lines[-2] = bad.decode().split("\n")[-2]

        with pytest.raises(NoteUnverified, match="by other"):
            Note.parse("\n".join(lines).encode()).signed_by([LOG.verifier, OTHER.verifier])

    def test_text_may_hold_empty_lines(self) -> None:
        """The last empty line parts text and signatures."""
        data = sign_note("one\n\ntwo\n\n", [LOG])

        assert Note.parse(data).text == "one\n\ntwo\n\n"
        assert Note.parse(data).signed_by([LOG.verifier])

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"text\n",
            b"text\n\n",
            C2SP_NOTE[:-1],
            C2SP_NOTE + b"\n",
            C2SP_NOTE + b"x\n",
            C2SP_NOTE.replace(b"\n\n", b"\n"),
            C2SP_NOTE.replace(b"example m", b"example\tm"),
            C2SP_NOTE.replace(b"example m", b"example\rm"),
            C2SP_NOTE.replace(b"example m", b"example\xffm"),
            C2SP_NOTE.replace(b"\xe2\x80\x94 ", b"- "),
            C2SP_NOTE.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94  "),
            C2SP_NOTE.replace(b"example.com/foo", b"example.com+foo"),
            C2SP_NOTE.replace(b"example.com/foo", b""),
            C2SP_NOTE.replace(b"QM=\n", b"QN=\n"),
            C2SP_NOTE.replace(b"QM=\n", b"QM\n"),
            C2SP_NOTE.replace(b"QM=\n", b"QM= \n"),
            b"text\n\n\xe2\x80\x94 a AAAA\n",
            b"text\n\n\xe2\x80\x94 a AAAAAA==\n",
            b"text\n\n\xe2\x80\x94 a AAAAAAA=\n\xe2\x80\x94 a AAAAAAA=",
            b"text\n\n" + 101 * b"\xe2\x80\x94 a AAAAAAA=\n",
            b"t" * 1_000_001 + b"\n\n\xe2\x80\x94 a AAAAAAA=\n",
        ],
    )
    def test_that_is_malformed_is_not_read(self, data: bytes) -> None:
        """Whatever another reader might take otherwise is refused."""
        with pytest.raises(NoteMalformed):
            Note.parse(data)

    def test_may_be_as_large_as_the_limits(self) -> None:
        """One hundred lines, of a key id and one byte each, and a million bytes are still read."""
        lines = "\u2014 a AAAAAAA=\n".encode() * 100
        text = b"t" * (1_000_000 - len(lines) - 2) + b"\n"

        assert len(Note.parse(text + b"\n" + lines).signatures) == 100

    @pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "half \ud800\n"])
    def test_text_that_cannot_be_a_note_is_not_signed(self, text: str) -> None:
        """Nothing is signed that would not open."""
        with pytest.raises(NoteMalformed):
            sign_note(text, [LOG])

    @given(st.text(), st.lists(st.sampled_from([LOG, NEXT, OTHER]), min_size=1, max_size=3, unique_by=id))
    @settings(max_examples=100, deadline=None)
    def test_opens_again_when_it_could_be_signed(self, text: str, signers: list[Signer]) -> None:
        """Every text either cannot be signed or opens with its text and signers."""
        try:
            data = sign_note(text + "\n", signers)
        except NoteMalformed:
            return

        note = Note.parse(data)
        assert note.text == text + "\n"
        assert set(note.signed_by([LOG.verifier, NEXT.verifier, OTHER.verifier])) == {s.verifier for s in signers}


class TestKeys:
    """Key strings."""

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a+b",
            C2SP_KEY.replace("530d903a", "530d903b"),
            C2SP_KEY.replace("530d903a", "530D903A"),
            C2SP_KEY.replace("foo", "bar"),
            C2SP_KEY.replace("foo", "f o"),
            C2SP_KEY + "AAAA",
            C2SP_KEY[:-1],
            C2SP_KEY.replace("+Aek", "+BOk"),
            " " + C2SP_KEY,
            GO_SECRET,
        ],
    )
    def test_of_verifiers_are_exact(self, text: str) -> None:
        """A key string with another id, name, type or length is refused."""
        with pytest.raises(KeyInvalid):
            Verifier.parse(text)

    @pytest.mark.parametrize(
        "text", ["", GO_KEY, GO_SECRET.replace("c74f", "c74e"), GO_SECRET[:-4], GO_SECRET[1:], GO_SECRET + "+"]
    )
    def test_of_signers_are_exact(self, text: str) -> None:
        """A signer string that is not one is refused, and the message does not repeat it."""
        with pytest.raises(KeyInvalid) as caught:
            Signer.parse(text)

        assert "AYEKFALV" not in str(caught.value)

    @pytest.mark.parametrize("name", ["", "a b", "a\u00a0b", "a+b", "a\nb", "a\x01b", "a\ud800b"])
    def test_have_names_that_fit_a_line(self, name: str) -> None:
        """No name that would break a signature line or a key string, on either half."""
        with pytest.raises(KeyInvalid, match="name"):
            Signer(name, bytes(32))
        with pytest.raises(KeyInvalid, match="name"):
            Verifier(name, bytes(32))

    def test_have_32_bytes(self) -> None:
        """Seeds and public keys of another length are other keys."""
        with pytest.raises(KeyInvalid, match="32 bytes"):
            Signer("a", bytes(31))
        with pytest.raises(KeyInvalid, match="32 bytes"):
            Verifier("a", bytes(33))

    def test_do_not_show_their_secret(self) -> None:
        """The repr of a signer, as in a traceback, has its name alone."""
        assert repr(LOG) == "Signer(name='relay.example/ledger')"


class TestCheckpoint:
    """The ledger's head."""

    def test_is_three_lines_and_a_signature(self) -> None:
        """The note's text is origin, size and base64 of the root."""
        data = sign_checkpoint(CHECKPOINT, LOG)

        text, _, line = data.decode().partition("\n\n")
        assert text == "relay.example/ledger\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        assert line.startswith("\u2014 relay.example/ledger ")
        assert open_checkpoint(data, LOG.name, [NEXT.verifier, LOG.verifier]) == CHECKPOINT

    def test_keeps_room_for_witnesses(self) -> None:
        """A witness's line, of a type unknown here, neither helps nor hinders."""
        cosigned = sign_checkpoint(CHECKPOINT, LOG) + WITNESS_LINE.encode()
        witness_alone = f"{CHECKPOINT.text}\n{WITNESS_LINE}".encode()

        assert open_checkpoint(cosigned, LOG.name, [LOG.verifier]) == CHECKPOINT
        with pytest.raises(NoteUnverified):
            open_checkpoint(witness_alone, LOG.name, [LOG.verifier])

    def test_of_another_log_is_not_accepted(self) -> None:
        """Neither another log's checkpoint nor ours signed by another trusted log's key will do."""
        theirs = sign_checkpoint(Checkpoint(OTHER.name, 1, bytes(32)), OTHER)
        keys = [LOG.verifier, OTHER.verifier]

        with pytest.raises(NoteUnverified):
            open_checkpoint(theirs, LOG.name, keys)
        with pytest.raises(NoteUnverified):
            open_checkpoint(sign_note(CHECKPOINT.text, [OTHER]), LOG.name, keys)
        with pytest.raises(NoteUnverified, match="not of the log"):
            open_checkpoint(sign_note(Checkpoint(OTHER.name, 1, bytes(32)).text, [LOG]), LOG.name, keys)
        with pytest.raises(NoteMalformed, match="does not sign"):
            sign_checkpoint(CHECKPOINT, OTHER)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "relay.example/ledger\n1\n",
            CHECKPOINT.text + "extension\n",
            CHECKPOINT.text[:-1],
            CHECKPOINT.text.replace("20852163", "020852163"),
            CHECKPOINT.text.replace("20852163", "+20852163"),
            CHECKPOINT.text.replace("20852163", "-1"),
            CHECKPOINT.text.replace("20852163", "\u0661"),
            CHECKPOINT.text.replace("20852163", ""),
            CHECKPOINT.text.replace("20852163", "9" * 20),
            CHECKPOINT.text.replace("Hh8=", "Hh9="),
            CHECKPOINT.text.replace("Hh8=", ""),
            CHECKPOINT.text.replace("relay.example/ledger", ""),
        ],
    )
    def test_text_is_exact(self, text: str) -> None:
        """No extension lines, no leading zeros, a root of 32 bytes."""
        with pytest.raises(NoteMalformed):
            Checkpoint.parse(text)

    @pytest.mark.parametrize("size", [0, 9, 2**63 - 1])
    def test_may_be_of_any_size(self, size: int) -> None:
        """From nothing to what 63 bits hold."""
        checkpoint = Checkpoint(LOG.name, size, bytes(32))

        assert open_checkpoint(sign_checkpoint(checkpoint, LOG), LOG.name, [LOG.verifier]) == checkpoint

    @pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (1, bytes(31)), (2**64, bytes(32))])
    def test_that_would_not_open_is_not_signed(self, size: int, root: bytes) -> None:
        """The signer refuses what no reader would take."""
        with pytest.raises(NoteMalformed):
            sign_checkpoint(Checkpoint(LOG.name, size, root), LOG)

    def test_cannot_be_bent_by_a_bit(self) -> None:
        """Every single flipped bit of a signed checkpoint is refused."""
        data = sign_checkpoint(CHECKPOINT, LOG)

        for position in range(len(data) * 8):
            bent = bytearray(data)
            bent[position // 8] ^= 1 << position % 8
            with pytest.raises(IntegrityError):
                open_checkpoint(bytes(bent), LOG.name, [LOG.verifier])
