"""How many reports a day brings, from whom and about what (事件流构成): pure judgement.

Published rates per 10,000 people a day: grid platform of 江永县 3.1, 12345 of 衡东县 0.98 and
湘阴县 0.94.  For the 1.374 million people of 长沙县 that makes about 430 grid events and 140
hotline orders, and with 1-5 % from sensors and video some 600 in all.  No hour-of-day curve and no
category shares are published in China: both tables below are ASSUMED (假定).
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TypeVar

T = TypeVar("T")

DAILY_EVENTS = 600
HOURS_A_DAY = 24
SECONDS_A_DAY = 86_400


class Source(StrEnum):
    """Where a report comes from (来源); the values are those the API takes."""

    GRID_WORKER = "grid_worker"
    HOTLINE = "hotline"
    SNAP = "snap"
    APP = "app"
    WINDOW = "window"
    SENSOR = "sensor"


# 430 grid + 140 hotline (split over its doors) + 30 sensors and video = 600
SOURCE_RATES: dict[Source, float] = {
    Source.GRID_WORKER: 430,
    Source.HOTLINE: 96,
    Source.SNAP: 20,
    Source.APP: 16,
    Source.WINDOW: 8,
    Source.SENSOR: 30,
}

# Assumed: quiet before dawn but never silent, peaks at ten and at four, noise in the evening.
HOUR_WEIGHTS: tuple[float, ...] = (
    0.42, 0.36, 0.32, 0.30, 0.32, 0.42, 0.70, 1.10, 1.60, 1.80, 1.70, 1.35,
    1.00, 1.10, 1.50, 1.70, 1.60, 1.35, 1.10, 1.00, 0.90, 0.75, 0.60, 0.50,
)  # fmt: skip

_STREET: dict[str, float] = {
    "暴露垃圾": 12, "道路不洁": 5, "垃圾清运不及时": 5, "乱堆物料": 6,
    "非法小广告": 4, "积存渣土": 2, "渣土车抛洒": 1, "店外经营": 3, "流动摊贩": 4, "出租房隐患": 2,
    "占道经营": 9, "机动车乱停放": 9, "非机动车乱停放": 6, "道路破损": 5, "路灯不亮": 4,
    "村道破损": 3, "井盖缺失": 0.6, "井盖破损": 2.5, "排水堵塞": 2, "污水冒溢": 1.5, "积水": 1.5,
    "线缆垂落": 1, "健身设施损坏": 1, "公厕设施损坏": 1.5, "绿化带破坏": 3, "枯枝坠落隐患": 1.5,
    "树木倒伏": 0.6, "违法建设": 3, "工地扬尘": 2.5, "消防通道堵塞": 2, "飞线充电": 4,
    "烟花爆竹": 0.6, "焚烧垃圾": 1, "露天焚烧": 1, "黑臭水体": 1, "河道漂浮物": 1.5,
    "房屋安全隐患": 1, "独居老人": 2.5, "邻里纠纷": 3, "标志标线缺损": 1.5, "犬只扰民": 1.5,
    "农村人居环境": 4, "农药包装废弃物": 2, "病媒生物孳生": 1,
}  # fmt: skip
_CALLS: dict[str, float] = {
    "夜间施工噪声": 7, "社会生活噪声": 9, "油烟污染": 6, "停水": 3, "停电": 2, "燃气泄漏": 0.4,
    "物业纠纷": 9, "欠薪求助": 2, "劳资纠纷": 2, "消费纠纷": 7, "邻里纠纷": 5, "机动车乱停放": 8,
    "道路破损": 4, "路灯不亮": 4, "积水": 1.5, "井盖缺失": 0.5, "违法建设": 5, "暴露垃圾": 4,
    "建议与咨询": 5, "社保医保咨询": 4, "户籍办理咨询": 2, "食品安全": 2, "房屋安全隐患": 1,
    "电梯故障": 1.5, "工地扬尘": 3, "犬只扰民": 2, "消防通道堵塞": 2, "征地拆迁": 1, "交通拥堵": 3,
    "交通事故": 0.6, "工业异味": 2,
}  # fmt: skip
_SNAPS: dict[str, float] = {
    "暴露垃圾": 9, "机动车乱停放": 9, "道路破损": 6, "路灯不亮": 6, "井盖破损": 4, "井盖缺失": 0.6,
    "占道经营": 5, "积水": 2, "标志标线缺损": 2, "绿化带破坏": 3, "树木倒伏": 1, "非法小广告": 3,
    "消防通道堵塞": 2, "线缆垂落": 1,
}  # fmt: skip
_DEVICES: dict[str, float] = {
    "积水": 2, "燃气泄漏": 0.3, "露天焚烧": 2, "积存渣土": 5, "占道经营": 5, "工地扬尘": 4,
    "消防通道堵塞": 1.5, "电梯故障": 1, "感知设备故障": 3,
}  # fmt: skip
_VISITS: dict[str, float] = {
    "物业纠纷": 5, "劳资纠纷": 4, "邻里纠纷": 4, "征地拆迁": 2, "消费纠纷": 3, "土地山林纠纷": 2,
}  # fmt: skip

# Assumed shares of each category, by source; names not in the county's catalogue are skipped.
CATEGORY_WEIGHTS: dict[Source, dict[str, float]] = {
    Source.GRID_WORKER: _STREET,
    Source.HOTLINE: _CALLS,
    Source.SNAP: _SNAPS,
    Source.APP: _SNAPS,
    Source.WINDOW: _VISITS,
    Source.SENSOR: _DEVICES,
}


@dataclass(frozen=True)
class Happening:
    """Something that will be reported: by which door and about what."""

    source: Source
    category: str


def hour_factor(hour: float) -> float:
    """How busy this hour of the local day is, 1.0 being the day's mean (linear in between)."""
    mean = sum(HOUR_WEIGHTS) / HOURS_A_DAY
    whole = int(hour) % HOURS_A_DAY
    part = hour - int(hour)
    after = HOUR_WEIGHTS[(whole + 1) % HOURS_A_DAY]
    return (HOUR_WEIGHTS[whole] * (1 - part) + after * part) / mean


def gap(rng: Random, *, per_day: float, hour: float) -> float:
    """Simulated seconds until the next report: a Poisson stream that follows the hour."""
    return rng.expovariate(per_day * hour_factor(hour) / SECONDS_A_DAY)


def happening(rng: Random, known: frozenset[str]) -> Happening:
    """Draw one source by its rate, then a category by its share among those `known`."""
    source = _pick(rng, {key: float(rate) for key, rate in SOURCE_RATES.items()})
    shares = {name: share for name, share in CATEGORY_WEIGHTS[source].items() if name in known}
    category = _pick(rng, shares) if shares else rng.choice(sorted(known))
    return Happening(source, category)


def _pick(rng: Random, weights: dict[T, float]) -> T:
    return rng.choices(list(weights), weights=list(weights.values()))[0]
