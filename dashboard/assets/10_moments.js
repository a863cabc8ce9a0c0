/* Moments (时刻): the server's clock as this screen knows it, and how a time or a remainder is written. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const ZONE_MS = 8 * 3600e3; // Asia/Shanghai, no summer time
  const WEEKDAYS = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];
  const MINUTE = 60e3;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  let skew = 0;

  const two = (n) => String(n).padStart(2, "0");
  const local = (ms) => new Date(ms + ZONE_MS);
  const dayOf = (ms) => Math.floor((ms + ZONE_MS) / DAY);

  /** Milliseconds of the server's clock. */
  const now = () => Date.now() + skew;

  /** Take the server's time from a beat; small jitter is left alone so that seconds do not jump. */
  function tellServerTime(iso) {
    const told = Date.parse(iso) - Date.now();
    if (Number.isFinite(told) && Math.abs(told - skew) > 800) skew = told;
  }

  const hm = (ms) =>
    `${local(ms).getUTCHours()}`.padStart(2, "0") + ":" + two(local(ms).getUTCMinutes());
  const hms = (ms) => `${hm(ms)}:${two(local(ms).getUTCSeconds())}`;

  function date(ms) {
    const d = local(ms);
    const day = `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
    return `${day} ${WEEKDAYS[d.getUTCDay()]}`;
  }

  /** A limit as people say it: 15:08, 明 10:00, 6-20 10:00. */
  function limit(ms, at = now()) {
    const days = dayOf(ms) - dayOf(at);
    if (days === 0) return hm(ms);
    if (days === 1) return `明 ${hm(ms)}`;
    if (days === -1) return `昨 ${hm(ms)}`;
    return `${local(ms).getUTCMonth() + 1}-${local(ms).getUTCDate()} ${hm(ms)}`;
  }

  function span(ms) {
    if (ms < HOUR) return [String(Math.floor(ms / MINUTE)), "分"];
    if (ms < DAY) return [`${Math.floor(ms / HOUR)}:${two(Math.floor((ms % HOUR) / MINUTE))}`, ""];
    return [String(Math.floor(ms / DAY)), "天"];
  }

  /**
   * What is left until `due`: the figure, its unit, its tone (ok, near, over), the share used.
   * A limit of tomorrow is written as the moment itself (明 10:00), a later one in days.
   */
  function remaining(due, from, at = now()) {
    if (!due)
      return { figure: "—", unit: "", tone: "none", used: 0, limit: "无时限", words: "无时限" };
    const left = due - at;
    const whole = Math.max(due - (from || at), MINUTE);
    const used = Math.max(0, Math.min(1, (at - (from || at)) / whole));
    const written = limit(due, at);
    if (left < 0) {
      const [figure, unit] = span(-left);
      const words = unit ? `超 ${figure} ${unit}` : `超 ${figure}`;
      return { figure: `超 ${figure}`, unit, tone: "over", used: 1, limit: written, words };
    }
    const tone = used >= 0.8 ? "near" : "ok";
    const days = dayOf(due) - dayOf(at);
    if (days === 1 && left > HOUR) {
      return { figure: written, unit: "", tone, used, limit: written, words: written, later: true };
    }
    if (days > 1)
      return { figure: String(days), unit: "天", tone, used, limit: written, words: `${days} 天` };
    const [figure, unit] = span(left);
    return { figure, unit, tone, used, limit: written, words: unit ? `${figure} ${unit}` : figure };
  }

  /** How long ago, in the words of a bystander: 3 秒前, 41 分前, 2:10 前. */
  function ago(ms, at = now()) {
    const gone = Math.max(0, at - ms);
    if (gone < MINUTE) return `${Math.floor(gone / 1000)} 秒前`;
    const [figure, unit] = span(gone);
    return unit ? `${figure} ${unit}前` : `${figure} 前`;
  }

  /** A stretch spelled out for the stale band: 3 分 26 秒. */
  function stretch(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const minutes = Math.floor(seconds / 60);
    if (minutes >= 60) return `${Math.floor(minutes / 60)} 时 ${minutes % 60} 分`;
    return minutes ? `${minutes} 分 ${seconds % 60} 秒` : `${seconds} 秒`;
  }

  yw.moments = { now, tellServerTime, hm, hms, date, limit, remaining, ago, stretch, dayOf };
})();
