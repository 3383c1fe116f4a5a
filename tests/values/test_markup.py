"""Notebook markup: everything is escaped, nothing depends on the theme."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.markup import paragraph, section, table
from leadflow.money import Money

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))


class Reader(HTMLParser):
    """Collects what a browser would show and checks that tags close."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.open = []
        self.texts = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader


class TestEscaping:
    """What comes from a host never becomes markup."""

    @given(TEXTS)
    def test_text_comes_out_as_it_went_in(self, text):
        """In a paragraph, a title, a column's name and a cell; no tag of its own gets in."""
        assert "".join(read(paragraph(text)).texts) == text
        assert "".join(read(section(text)).texts) == text
        shown = read(table([{text: text}]))
        assert "".join(shown.texts) == text.replace("_", " ") + text
        assert shown.tags == ["table", "thead", "tr", "th", "tbody", "tr", "td"]

    def test_a_script_is_text(self):
        """The usual attack."""
        assert "<script" not in table([{"<script>": '<script>alert("1")</script>'}])


class TestTable:
    """Rows become a table."""

    def test_cells(self):
        """Columns of the first row; None and missing are empty; any value is shown as its text."""
        html = table([{"deal_name": "A", "amount": Money("1234.50", "EUR")}, {"amount": None}])
        assert read(html).texts == ["deal name", "amount", "A", "1,234.50 EUR"]
        assert html.count("<td") == 4

    def test_columns_can_be_chosen(self):
        """Which, and in which order."""
        assert read(table([{"a": 1, "b": 2}], columns=["b"])).texts == ["b", "2"]

    @pytest.mark.parametrize("rows", [[], iter([])])
    def test_no_rows(self, rows):
        """An empty table, not an error."""
        assert read(table(rows)).texts == []
        assert read(table([], columns=["a"])).texts == ["a"]

    def test_colours_are_the_notebooks(self):
        """Nothing sets a colour that one theme would swallow."""
        html = section("t", paragraph("x"), table([{"a": 1}]))
        assert "color:inherit" in html
        assert "#" not in html


class TestSection:
    """Parts go under a title as they are."""

    def test_parts_are_markup_already(self):
        """Only the title is escaped."""
        assert read(section("a < b", paragraph("x"), paragraph("y"))).texts == ["a < b", "x", "y"]
