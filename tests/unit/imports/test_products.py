"""`regulars import products`: a list as shops have it; all or nothing; a second time it changes nothing."""

from __future__ import annotations

from tests.support.databases import OTHER_IN_DRILL
from tests.support.web import Worker
from tests.support.xlsx import workbook
from tests.unit.imports.conftest import Said, Shell
from webapp.brands import queries as brands
from webapp.kernel.db import Database

pytestmark = OTHER_IN_DRILL

STORED = "SELECT code, name, category, price_minor FROM product ORDER BY code"


def bring(shell: Shell, content: str | bytes, *options: str) -> Said:
    return shell.run("import", "products", shell.file(content), "--brand", "shop", "--json", *options)


def test_a_list_comes_in_under_chinese_headers_and_again_changes_nothing(shell: Shell) -> None:
    told = "商品编码,商品名称(必填),品类,零售价,产地\n0017,鲜牛奶,乳品,12.50,上海\n0018,面包,,,\n"
    first = bring(shell, told.encode("gb18030"))
    assert first.code == 0 and first.counts == (2, 0, 0, 0)
    assert first.told["columns"] == {
        "code": "商品编码",
        "name": "商品名称(必填)",
        "category": "品类",
        "price": "零售价",
    }
    assert first.told["ignored_columns"] == ["产地"]
    rows = [("0017", "鲜牛奶", "乳品", 1250), ("0018", "面包", "", None)]
    assert shell.rows(STORED) == rows
    assert bring(shell, told).counts == (0, 0, 2, 0) and shell.rows(STORED) == rows
    # a blank keeps what is stored; what is said is changed
    assert bring(shell, "sku,name,price\n0017,,13\n0018,面包,\n").counts == (0, 1, 1, 0)
    assert shell.rows(STORED)[0] == ("0017", "鲜牛奶", "乳品", 1300)
    assert bring(shell, workbook([["Code", "Name"], ["0019", "Tea"]])).counts == (1, 0, 0, 0)


def test_one_bad_row_holds_everything_back_and_is_told(shell: Shell) -> None:
    bad = "code,name,price\na,Milk,1\nb,Tea,-2\na,Milk again,3\nc,Salt,cheap\n,No code,1\nd,too,many,cells\n"
    said = bring(shell, bad)
    assert said.code == 2 and not said.told["applied"] and said.told["refused"] == 5
    assert shell.rows(STORED) == []
    whole = "\n".join(said.errors)
    assert 'row 3, column price: "-2" is less than nothing. Write what one piece costs' in whole
    assert 'row 4, column code: "a" stands in row 2 already. Keep one of the two.' in whole
    assert 'row 5, column price: "cheap" is no amount' in whole
    assert "row 6, column code: (blank) is blank" in whole
    assert "row 7: it has 4 cells, more than the 3 of the header" in whole
    taken = bring(shell, bad, "--skip-bad")
    assert taken.code == 0 and taken.counts == (1, 0, 0, 5)
    assert shell.rows(STORED) == [("a", "Milk", "", 100)]


def test_a_list_without_codes_is_read_by_its_names_and_one_without_either_is_refused(shell: Shell) -> None:
    assert bring(shell, "品名,售价\n豆腐,3\n").counts == (1, 0, 0, 0)
    assert shell.rows(STORED) == [("豆腐", "", "", 300)]
    refused = bring(shell, "colour,price\nred,3\n")
    assert refused.code != 0 and "no column says which product it is" in "\n".join(refused.errors)
    assert bring(shell, "colour,price\nred,3\n", "--map", "code=colour").counts == (1, 0, 0, 0)


def test_orders_that_are_brought_in_fill_the_catalogue_and_leave_a_list_alone(shell: Shell) -> None:
    bring(shell, "code,name,category,price\n4711,Milk,Fresh,2\n")
    head = "number,ordered_at,paid\n"
    lines = "order,product,category,quantity,amount\na,4711,dairy,1,1.5\na,bread,bakery,1,3\nb,salt,,1,1\n"
    assert shell.orders(head + "a,2026-01-01,4.5\nb,2026-01-02,1\n", lines=lines).code == 0
    url = shell.looking.url
    db = Database(url, load_brand=brands.load)
    try:
        Worker(db).run()
    finally:
        db.close()
    assert shell.rows(STORED) == [
        ("4711", "Milk", "Fresh", 200),
        ("bread", "", "bakery", None),
        ("salt", "", "", None),
    ]
    known = shell.rows("SELECT code FROM category ORDER BY code")
    assert sorted(known) == [("Fresh",), ("bakery",), ("dairy",)]
