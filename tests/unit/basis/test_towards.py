"""What telling one agency rests on, where agencies of a class are not alike in law (practice 13)."""

from __future__ import annotations

from concern_relay.v1.codes_pb2 import Article6, Gateway
from services.basis_assessment.explain import explain
from services.basis_assessment.towards import assessed_towards, towards
from tests.unit.basis.law_cases import WORRY, Raised, assessed, child_of, core, laws, of_class, together
from tests.unit.basis.law_table import HARM

_COMMENCED = "information-sharing-duty-2026-commenced"
_KENT, _CARDIFF, _EDINBURGH = "E10000016", "W06000015", "S12000036"
_BOTH = Raised(parts=together(child_of(_KENT, _EDINBURGH), WORRY), detail=HARM)


def test_a_duty_towards_one_authority_is_no_duty_towards_the_other() -> None:
    """Given Kent and Edinburgh, when the duty is in force, then it is said of Kent alone and of neither's class."""
    found = of_class(assessed(_BOTH, using=core(laws(_COMMENCED))), "childrens_social_care")

    assert found.article6 == Article6.ARTICLE6_E_PUBLIC_TASK
    kent = towards(found, "kent-csc")
    assert kent.article6 == Article6.ARTICLE6_C_LEGAL_OBLIGATION
    assert kent.gateway == Gateway.GATEWAY_CA2004_S16LA
    edinburgh = towards(found, "outside-s12000036")
    assert edinburgh.article6 == Article6.ARTICLE6_E_PUBLIC_TASK
    assert edinburgh.gateway == Gateway.GATEWAY_AUTHORITY_OUTSIDE_ENGLAND


def test_the_parts_are_those_of_the_class() -> None:
    """What may be told does not differ within a class; what it rests on may."""
    found = of_class(assessed(_BOTH, using=core(laws(_COMMENCED))), "childrens_social_care")

    assert [item.outcome for item in towards(found, "kent-csc").items] == [item.outcome for item in found.items]


def test_nothing_is_said_apart_where_all_are_alike() -> None:
    """Given two authorities of England, then neither is said apart, and an unknown agency is as its class."""
    raised = Raised(parts=together(child_of(_KENT, "E06000035"), WORRY), detail=HARM)
    found = assessed(raised, using=core(laws(_COMMENCED)))
    social_care = of_class(found, "childrens_social_care")

    assert not social_care.recipients
    assert towards(social_care, "medway-csc") == social_care
    assert assessed_towards(found, "medway-csc") is found


def test_the_explanation_says_it_of_each() -> None:
    """The page names the agency that is otherwise in law, with its clauses."""
    page = "\n".join(explain(laws(_COMMENCED), assessed(_BOTH, using=core(laws(_COMMENCED)))).lines())

    assert "kent-csc: told, the law requires it" in page
    assert "Children Act 2004 s16LA" in page
