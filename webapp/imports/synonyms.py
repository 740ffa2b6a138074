"""What shops, tills and shop systems call the columns that are ours. To add a word, write it into the list it belongs to.

Compared without regard to case, spaces, signs and what stands in brackets: "Order No.", "order_no" and "订单号(必填)" are
found as "orderno" and "订单号". The first name that fits is taken, and each of a file's columns once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

MEMBERS = {
    "number": """会员号 会员编号 会员卡号 卡号 会员id 客户编号 客户号 会员代码 会员码 编号
        number member_number member_no member_id memberid card_number card_no card customer_number customer_no customer_id
        id no code""",
    "phone": """手机号 手机 手机号码 电话 电话号码 联系电话 联系方式 移动电话 会员手机 会员手机号 绑定手机 注册手机号
        phone mobile mobile_phone phone_number telephone tel cell cellphone""",
    "name": """姓名 会员姓名 会员名称 客户姓名 名字 名称 昵称 称呼 会员名 顾客姓名
        name full_name member_name customer_name customer nickname""",
    "email": "邮箱 电子邮箱 邮件 邮件地址 电子邮件 email e-mail mail email_address",
    "birthday": "生日 出生日期 出生年月 出生年月日 会员生日 birthday birth_date date_of_birth birthdate dob",
    "gender": "性别 会员性别 gender sex",
    "joined_at": """入会日期 入会时间 注册时间 注册日期 开卡日期 开卡时间 办卡日期 办卡时间 加入时间 创建时间 成为会员时间
        joined_at joined join_date joined_on registered registration_date member_since created created_at signup_date""",
    "store": """门店 门店编号 所属门店 归属门店 入会门店 开卡门店 注册门店 店铺 店铺名称 门店名称 店名 专柜 分店
        store store_code store_name shop branch home_store""",
}
ORDERS = {
    "number": """订单号 订单编号 小票号 小票编号 单号 流水号 交易号 交易流水号 销售单号 单据号 单据编号 消费单号 票号
        number order_number order_no order_id order receipt receipt_number receipt_no ticket transaction_id transaction
        invoice_number invoice_no bill_no bill""",
    "member": MEMBERS["number"]
    .replace("id no code", "")
    .replace("number member_number", "member member_number")
    + " 会员 客户 顾客",
    "phone": MEMBERS["phone"] + " 收货人手机 收货人电话 买家手机 customer_phone member_phone",
    "store": MEMBERS["store"] + " 消费门店 下单门店 交易门店 销售门店 收银门店",
    "ordered_at": """下单时间 消费时间 交易时间 销售时间 付款时间 支付时间 订单时间 成交时间 结账时间 下单日期 消费日期 交易日期
        销售日期 订单日期 日期 时间 付款日期 开单时间 单据日期
        ordered_at order_date order_time date time datetime sold_at paid_at purchase_date transaction_date
        transaction_time sale_date timestamp created_at created""",
    "gross": """应付 应付金额 应收 应收金额 原价 原价金额 总额 订单金额 订单总额 商品总额 商品金额 原始金额 合计 消费总额
        gross gross_amount subtotal list_total amount_before_discount total_before_discount""",
    "discount": """优惠 优惠金额 折扣 折扣金额 减免 减免金额 优惠总额 折让 discount discount_amount total_discount savings
        reduction""",
    "paid": """实付 实付金额 实收 实收金额 支付金额 付款金额 实际支付 实付款 净额 成交金额 消费金额 销售金额 金额
        paid paid_amount amount_paid total net net_amount grand_total total_paid order_total amount payment""",
}
LINES = {
    "order": ORDERS["number"].replace("number order_number", "order order_number"),
    "product": """商品 商品名称 商品名 品名 货品 货品名称 产品 产品名称 菜品 菜品名称 项目 名称
        product product_name item item_name article description sku name""",
    "category": "品类 类别 分类 商品分类 商品类别 商品品类 类目 大类 category category_name department group type",
    "quantity": "数量 件数 销量 购买数量 商品数量 个数 quantity qty count units pieces",
    "amount": """金额 小计 行金额 商品金额 销售金额 实付 实付金额 实收金额 成交金额 总价 合计
        amount line_total line_amount total paid subtotal price net_amount""",
}
PRODUCTS = {
    "code": """商品编码 商品编号 商品代码 编码 编号 货号 商品条码 条码 条形码 国际条码 款号 商品号 商品id 货品编码 产品编码 商品
        code product_code item_code article_code product_id item_id article_no sku sku_code barcode ean upc gtin plu product
        item article id""",
    "name": """商品名称 名称 品名 商品名 货品名称 货品 产品名称 产品 菜品名称 菜品 标题 规格名称
        name product_name item_name article_name title label description""",
    "category": LINES["category"].replace(" group type", " product_category product_type group type"),
    "price": """价格 售价 单价 零售价 销售价 标价 吊牌价 原价 门市价 会员价
        price unit_price retail_price list_price selling_price sale_price price_each""",
}
CONSENT = {
    "email": "邮件授权 邮件营销 同意邮件 邮箱授权 接收邮件 email_consent email_opt_in newsletter marketing_email",
    "sms": "短信授权 短信营销 同意短信 接收短信 是否接收短信 sms_consent sms_opt_in marketing_sms",
    "wecom": "企微授权 企业微信授权 微信授权 wecom_consent wechat_consent",
    "wechat": "微信授权 公众号授权 wechat_consent wechat_opt_in",
}
KINDS: dict[str, dict[str, str]] = {
    "members": MEMBERS,
    "orders": ORDERS,
    "lines": LINES,
    "products": PRODUCTS,
}


def plain(header: str) -> str:
    """A header in the one spelling in which it is compared."""
    text = unicodedata.normalize("NFKC", header).casefold()
    text = re.sub(r"\(.*?\)|\[.*?\]|【.*?】|（.*?）|/.*$", "", text)
    return "".join(mark for mark in text if mark.isalnum())


def guess(kind: str, headers: Sequence[str], channels: Sequence[str] = ()) -> dict[str, str]:
    """Our column -> what the file seems to call it; those that are not found are left out. kind: of KINDS."""
    places: dict[str, str] = {}
    for header in headers:
        if name := plain(header):
            places.setdefault(name, header)
    found: dict[str, str] = {}
    taken: set[str] = set()
    wanted: dict[str, Sequence[str]] = {our: (our, *words.split()) for our, words in KINDS[kind].items()}
    if kind == "members":
        wanted |= {f"consent_{key}": (f"consent_{key}", *CONSENT.get(key, "").split()) for key in channels}
    _take(wanted, places, found, taken)
    return found


def _take(
    wanted: Mapping[str, Sequence[str]], places: Mapping[str, str], found: dict[str, str], taken: set[str]
) -> None:
    """The best fit of each first: a word that stands early in one list may stand late in another's."""
    most = max((len(words) for words in wanted.values()), default=0)
    for rank in range(most):
        for our, words in wanted.items():
            if our in found or rank >= len(words):
                continue
            header = places.get(plain(words[rank]))
            if header is not None and header not in taken:
                found[our] = header
                taken.add(header)
