/* The live stream (实时): one EventSource per browser, its other tabs hear it through a channel.
   Whatever is named by an envelope is fetched by id, at most every 250 ms; a stalled or refused
   stream is opened again; a gap is healed by a new snapshot. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { county, moments } = yw;
  const EVENTS = [
    "incident",
    "order",
    "alert",
    "mode",
    "duty",
    "owed",
    "position",
    "beat",
    "snapshot",
    "gone",
  ];
  const COALESCE_MS = 250;
  const GATHER_MS = 20;
  const LATE_MS = 15e3; // what a beat may say of unpublished changes and of the engine
  const SILENT_MS = 13e3; // judged once a second: the veil stands before 15 s are over
  const STALL_MS = 9e3;
  const KEPT_EVENTS = 400;
  const CHUNK = 100;

  const HIDDEN_MS = 500; // a tab in the background paints nothing and must not wait for it
  const AWAY_MS = 3e3; // with no data to be had the map is drawn all the same
  const live = { state: "starting", beat: null, heardAt: 0, lostAt: 0, tries: 0, leader: false };
  const tab = Math.random().toString(36).slice(2);
  const recent = []; // what the leader heard lately, for tabs that open later
  const waiting = { incidents: new Set(), alerts: new Set(), owed: false, figures: false };
  let channel = null;
  let source = null;
  let flushTimer = 0;
  let flushedAt = 0;
  let figuresAt = 0;
  let appliedN = 0;
  let heardN = 0;
  let fetching = null;
  const stateListeners = new Set();
  const eventListeners = new Set();

  const mark = (name, value) => {
    document.documentElement.dataset[name] = value;
    document.body.dataset[name] = value;
  };
  function markSeq() {
    mark("seq", String(appliedN));
  }

  async function getJson(url) {
    const answer = await fetch(url, {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
    });
    if (answer.status === 401) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
      throw new Error("signed out");
    }
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer.json();
  }

  /** Fetch the whole scope again; several calls at once share one request. */
  function resync() {
    fetching =
      fetching ||
      (async () => {
        try {
          const snapshot = await getJson("/live/snapshot");
          if (snapshot.epoch !== county.state.epoch) heardN = 0;
          county.reset(snapshot);
          appliedN = Math.max(snapshot.n || 0, heardN);
          mark("epoch", snapshot.epoch);
          markSeq();
          return true;
        } catch (error) {
          console.warn("snapshot", error);
          return false;
        } finally {
          fetching = null;
        }
      })();
    return fetching;
  }

  /* ---- what an event asks for -------------------------------------------------------------- */

  function wanted(name, data) {
    if (name === "incident" || name === "order") {
      const id = data.incident_id || data.id;
      const known = county.state.incidents.get(id);
      if (name === "incident" && known && known.rev > data.rev) return;
      waiting.incidents.add(id);
      waiting.figures = true;
    } else if (name === "alert") {
      waiting.alerts.add(data.id);
      waiting.figures = true;
    } else if (name === "owed") {
      waiting.owed = true;
    }
    // the first after a quiet moment goes at once, a stream of them every 250 ms
    const rest = COALESCE_MS - (Date.now() - flushedAt);
    flushTimer = flushTimer || setTimeout(flush, Math.max(GATHER_MS, rest));
  }

  const refreshOwed = () => getJson("/live/owed").then(county.takeOwed);

  async function fetchNamed(kind, ids, take) {
    for (let i = 0; i < ids.length; i += CHUNK) {
      const part = ids.slice(i, i + CHUNK);
      const got = await getJson(`/live/${kind}?ids=${part.join(",")}`);
      take(got[kind] || [], got.gone || []);
    }
  }

  async function flush() {
    flushTimer = 0;
    flushedAt = Date.now();
    const upTo = heardN;
    const incidents = [...waiting.incidents];
    const alerts = [...waiting.alerts];
    const owed = waiting.owed;
    waiting.incidents.clear();
    waiting.alerts.clear();
    waiting.owed = false;
    try {
      if (incidents.length + alerts.length > 5 * CHUNK) {
        await resync();
      } else {
        await Promise.all([
          incidents.length && fetchNamed("incidents", incidents, county.takeIncidents),
          alerts.length && fetchNamed("alerts", alerts, county.takeAlerts),
          owed && refreshOwed(),
        ]);
      }
      if (!flushTimer) waiting.figures = (await fetchFigures()) ? false : waiting.figures;
      appliedN = Math.max(appliedN, upTo);
      markSeq();
    } catch (error) {
      console.warn("live fetch", error);
      incidents.forEach((id) => waiting.incidents.add(id));
      alerts.forEach((id) => waiting.alerts.add(id));
      waiting.owed = waiting.owed || owed;
      flushTimer = flushTimer || setTimeout(flush, 2000);
    }
  }

  /** Figures (今日) are sums over many rows: asked for at most every two seconds. */
  async function fetchFigures() {
    if (!waiting.figures || Date.now() - figuresAt < 2000) return false;
    figuresAt = Date.now();
    const got = await getJson("/live/figures");
    county.take("figures", got.figures || got);
    return true;
  }

  /** One event, heard here or passed on by the tab that leads. */
  function receive(name, data, id) {
    live.heardAt = Date.now();
    eventListeners.forEach((listener) => listener(name, data));
    const [epoch, n] = splitId(id);
    if (epoch && county.state.epoch && epoch !== county.state.epoch && name !== "snapshot") {
      resync();
    }
    if (n > heardN) heardN = n;
    if (name === "beat") return takeBeat(data);
    if (name === "snapshot") return void resync();
    if (name === "gone") {
      county.takeIncidents([], [data.id]);
      county.takeAlerts([], [data.id]);
      waiting.owed = true;
      wanted("gone", data);
    } else if (name === "position") {
      county.takePositions(data.responders, data.at);
      if (!flushTimer) {
        appliedN = Math.max(appliedN, heardN);
        markSeq();
      }
    } else if (name === "duty" || name === "mode") {
      resync();
    } else {
      tellFeed(name, data);
      wanted(name, data);
    }
  }
  const splitId = (id) => {
    const cut = (id || "").lastIndexOf("-");
    return cut < 0 ? ["", 0] : [id.slice(0, cut), Number(id.slice(cut + 1)) || 0];
  };

  const FEED_WORDS = {
    "incident.report": "上报",
    "incident.accept": "立案",
    "incident.assign": "已派出",
    "incident.reassign": "改派",
    "incident.sign": "已签收",
    "incident.feed_back": "反馈，待核查",
    "incident.pass_check": "核查通过，结案",
    "incident.fail_check": "核查未过，返工",
    "incident.urge": "催办",
    "incident.escalate": "提级",
    "incident.reopen": "重启",
    "order.issue": "已派单",
    "order.sign": "接单",
    "order.depart": "出发",
    "order.arrive": "到场",
    "alert.fire": "预警响起",
    "alert.fired": "预警响起",
    "alert.colour": "预警变色",
    "alert.acknowledge": "预警已确认",
    "alert.acknowledged": "预警已确认",
    "alert.resolve": "预警恢复",
    "alert.resolved": "预警恢复",
  };
  /** Feed lines are told once the row is in hand, so that they can name the case. */
  function tellFeed(name, data) {
    const words = FEED_WORDS[data.kind];
    if (!words) return;
    const before = county.state.incidents.get(data.id) || county.state.alerts.get(data.id);
    const at = Date.parse(data.at) || moments.now();
    setTimeout(() => {
      const row = county.state.incidents.get(data.id) || county.state.alerts.get(data.id) || before;
      if (row) county.addFeed({ at, words: `${row.title} ${words}`, place: row.place || "" });
      county.tell({ feed: true });
    }, COALESCE_MS + 600);
  }

  function takeBeat(data) {
    live.beat = data;
    live.beatAt = Date.now();
    if (data.at) moments.tellServerTime(data.at);
  }

  /* ---- the stream itself ------------------------------------------------------------------- */

  function openSource() {
    closeSource();
    const { epoch } = county.state;
    const since = epoch
      ? `?since=${encodeURIComponent(`${epoch}-${Math.max(appliedN, heardN)}`)}`
      : "";
    source = new EventSource(`/live${since}`);
    source.openedAt = Date.now();
    source.addEventListener("error", askWhetherSignedIn);
    EVENTS.forEach((name) =>
      source.addEventListener(name, (event) => {
        const data = event.data ? JSON.parse(event.data) : {};
        source.ywHeard = Date.now();
        if (name !== "beat") {
          recent.push({ name, data, id: event.lastEventId });
          if (recent.length > KEPT_EVENTS) recent.shift();
        }
        channel?.postMessage({ type: "event", name, data, id: event.lastEventId });
        receive(name, data, event.lastEventId);
      }),
    );
  }
  /** A line that ends may mean that the sign-in ended: ask at once, and again when the gate has looked anew. */
  function askWhetherSignedIn() {
    if (Date.now() < (live.askedAt || 0) + 3000) return;
    live.askedAt = Date.now();
    [100, 2100].forEach((wait) => {
      setTimeout(() => getJson("/live/figures").catch(() => null), wait + Math.random() * 300);
    });
  }
  function closeSource() {
    if (source) source.close();
    source = null;
  }
  /** The browser gives up for ever after a non-200 answer, and never notices a silent line: both end here. */
  function watchSource() {
    if (!live.leader) return;
    const silent = source ? Date.now() - (source.ywHeard || source.openedAt) : Infinity;
    if (source && source.readyState !== EventSource.CLOSED && silent < STALL_MS) return;
    if (Date.now() < (live.retryAt || 0)) return;
    live.retryAt = Date.now() + 1000 + Math.random() * 2000;
    live.tries += 1;
    getJson("/live/figures").then(openSource, () => closeSource());
  }

  /** The tab that holds the lock opens the stream; when it closes, the browser hands the lock on. */
  async function lead() {
    const scope = await pageScope();
    if ("BroadcastChannel" in window) {
      channel = new BroadcastChannel(`yiwang-live-${scope}`);
      channel.onmessage = ({ data }) => hear(data);
    }
    if (!navigator.locks || !channel) return void becomeLeader();
    navigator.locks.request(`yiwang-live-${scope}`, () => {
      becomeLeader();
      return new Promise(() => {}); // held until the tab goes
    });
    channel.postMessage({ type: "hello", from: tab, epoch: county.state.epoch, n: county.state.n });
  }
  /** The page says whose scope it is; it may stand later than the first snapshot is here. */
  async function pageScope() {
    for (;;) {
      const page = document.querySelector("[data-scope]");
      if (page) return page.dataset.scope;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  function becomeLeader() {
    live.leader = true;
    mark("leader", "1");
    openSource();
  }
  function hear(message) {
    if (message.type === "event" && !live.leader) receive(message.name, message.data, message.id);
    if (message.type === "hello" && live.leader) {
      const missed = recent.filter((e) => splitId(e.id)[1] > message.n || e.name === "snapshot");
      channel.postMessage({ type: "missed", to: message.from, events: missed, beat: live.beat });
    }
    if (message.type === "missed" && message.to === tab) {
      message.events.forEach((e) => receive(e.name, e.data, e.id));
      if (message.beat) receive("beat", message.beat, "");
    }
  }

  /* ---- stale or live (数据中断) ------------------------------------------------------------- */

  function judge() {
    const beat = live.beat || {};
    const silent = Date.now() - (live.beatAt || live.startedAt);
    const late = Math.max(Number(beat.oldest_unpublished_s) || 0, Number(beat.engine_age_s) || 0);
    const stale = silent > SILENT_MS || late * 1000 > LATE_MS;
    const next = stale ? "stale" : county.state.epoch ? "live" : "starting";
    if (stale && live.state !== "stale") {
      live.lostAt = moments.now() - Math.max(silent, late * 1000);
      live.tries = 0;
    }
    if (next !== live.state) {
      const was = live.state;
      live.state = next;
      mark("state", next);
      if (was === "stale" && next === "live") resync();
      stateListeners.forEach((listener) => listener(next));
    }
  }

  let begun = null;
  /** Begin: the whole scope first, then the stream from that number on. */
  const start = () => (begun = begun || begin());

  async function begin() {
    live.startedAt = Date.now();
    mark("state", "starting");
    setInterval(() => {
      judge();
      watchSource();
    }, 1000);
    for (let wait = 500; !(await resync()); wait = Math.min(wait * 2, 5000)) {
      live.tries += 1;
      await new Promise((done) => setTimeout(done, wait * (0.75 + Math.random() / 2)));
    }
    lead();
    judge();
  }

  /** The first data stands painted: whatever is heavy, a map or a chart, begins now. */
  async function painted() {
    await Promise.race([start(), new Promise((done) => setTimeout(done, AWAY_MS))]);
    await new Promise((done) => {
      setTimeout(done, HIDDEN_MS);
      requestAnimationFrame(() => setTimeout(done));
    });
  }

  const onState = (listener) => stateListeners.add(listener);
  /** Hear every event as it comes, of closed cases too, which the county does not hold. */
  const onEvent = (listener) => eventListeners.add(listener);

  yw.live = { info: live, start, painted, resync, refreshOwed, onState, onEvent, getJson };
})();
