"""Products and categories by pages alone."""

from __future__ import annotations

from io import BytesIO

from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.factories import make_brand
from tests.support.databases import ONE_DATABASE
from tests.support.web import Client, forms_of, text_of
from webapp.catalogue import queries, service
from webapp.catalogue.models import Product
from webapp.catalogue.service import ProductIn
from webapp.kernel.db import Database
from webapp.kernel.scope import BrandRef

pytestmark = ONE_DATABASE


def give(client: Client, content: str) -> TestResponse:
    form = next(one for one in forms_of(client.get("/catalogue/file").text) if one.method == "post")
    data = {**form.fields, "file": (BytesIO(content.encode()), "list.csv")}
    return client.post(
        "/catalogue/file", data=data, content_type="multipart/form-data", follow_redirects=True
    )


def product_id(db: Database, brand: BrandRef, code: str) -> int:
    with db.read(brand=brand) as scope:
        found = queries.by_code(scope, code)
    assert found is not None
    return found.id


def test_an_empty_page_teaches_and_a_list_fills_it(client: Client) -> None:
    assert "No products yet" in client.get("/catalogue").text
    assert "No categories yet" in client.get("/catalogue/categories").text
    done = text_of(
        give(client, "编码,名称,类别,价格\n4711,鲜牛奶,乳品,12.5\n4712,酸奶,乳品,\n4713,盐,,2\n").text
    )
    assert "3 products read: 3 new, 0 changed, 0 as they were." in done
    page = text_of(client.get("/catalogue").text)
    assert "3 products" in page and "鲜牛奶" in page and "4711" in page and "12.50" in page
    found = text_of(client.fragment("/catalogue?q=471").text)
    assert "酸奶" in found and "Bring a list in" not in found
    assert "No product holds these words." in client.get("/catalogue?q=100%25").text
    kinds = text_of(client.get("/catalogue/categories").text)
    assert "乳品" in kinds and "1 product is in no category" in kinds
    of = text_of(client.get("/catalogue?category=乳品").text)
    assert "2 products" in of and "盐" not in of
    assert "盐" in client.get("/catalogue?category=").text


def test_a_list_with_a_bad_row_is_told_and_nothing_comes_in(client: Client, db: Database) -> None:
    refused = give(client, "商品编码,售价\na,1\nb,dear\n")
    text = text_of(refused.text)
    assert refused.status_code == 422 and "1 of 2 rows are bad" in text
    assert "Row 3" in text and "售价" in text and '"dear" is no amount' in text
    assert "no column says which product it is" in give(client, "colour\nred\n").text
    assert client.submit("/catalogue/file").status_code == 422  # nothing chosen
    with db.read() as scope:
        assert scope.session.scalars(select(Product)).all() == []


def test_a_product_is_corrected_and_a_category_renamed(client: Client, db: Database, brand: BrandRef) -> None:
    give(client, "code,name,category\n4711,Milk,dairy\n")
    path = f"/catalogue/products/{product_id(db, brand, '4711')}"
    wrong = client.submit(path, {"name": "Fresh milk", "price": "dear"})
    assert wrong.status_code == 422 and 'value="dear"' in wrong.text and 'value="Fresh milk"' in wrong.text
    kept = text_of(client.submit(path, {"name": "Fresh milk", "category": "cold", "price": "4.5"}).text)
    assert "Fresh milk" in kept and "4.50" in kept and "set by hand or by a list" in kept
    with db.read(brand=brand) as scope:
        cold = queries.category_of(scope, "cold")
    assert cold is not None
    renamed = client.submit(f"/catalogue/categories/{cold[0]}", {"name": "From the fridge"})
    assert "From the fridge" in text_of(renamed.text)
    assert "From the fridge" in client.get("/catalogue").text
    with db.read(brand=brand) as scope:
        assert queries.categories(scope) == [("cold", "From the fridge"), ("dairy", "dairy")]
        assert queries.category_names(scope, ["cold", "new"]) == {"cold": "From the fridge", "new": "new"}


def test_a_product_that_nobody_bought_yet_is_added_once(
    client: Client, db: Database, brand: BrandRef
) -> None:
    assert client.submit("/catalogue/new", {"code": " "}).status_code == 422
    page = client.submit("/catalogue/new", {"code": "tea-1", "name": "Spring tea", "price": "88"})
    assert "Spring tea" in text_of(page.text) and page.request.path.startswith("/catalogue/products/")
    again = client.submit("/catalogue/new", {"code": "tea-1"})
    assert again.status_code == 422 and "There is a product with this code already." in again.text
    assert product_id(db, brand, "tea-1")


def test_long_lists_go_on_and_another_brand_is_not_seen(
    client: Client, db: Database, brand: BrandRef
) -> None:
    rows = [ProductIn(f"p{n:03}", category=f"c{n:03}") for n in range(60)]
    db.write(lambda scope: service.put(scope, rows), brand=brand)
    other = db.write(lambda scope: make_brand(scope, "other"))
    db.write(lambda scope: service.put(scope, [ProductIn("secret", category="hidden")]), brand=other)
    for path in ("/catalogue", "/catalogue/categories"):
        first = client.get(path)
        assert "049" in first.text and "050" not in first.text
        following = f"{path}?after={'p049' if path == '/catalogue' else 'c049'}"
        assert following in first.text
        second = text_of(client.get(following).text)
        assert "059" in second and "secret" not in second and "hidden" not in second
    assert client.get(f"/catalogue/products/{product_id(db, other, 'secret')}").status_code == 404


def test_who_may_look_and_who_may_correct(client: Client, db: Database, brand: BrandRef) -> None:
    give(client, "code,name\n4711,Milk\n")
    path = f"/catalogue/products/{product_id(db, brand, '4711')}"
    client.sign_in("manager")
    page = client.get(path)
    assert page.status_code == 200 and '<form method="post" class="form"' not in page.text
    assert client.post(path, data={"name": "x"}).status_code == 403
    assert client.get("/catalogue/file").status_code == 403
    client.sign_in("clerk")
    assert client.get("/catalogue").status_code == 403
