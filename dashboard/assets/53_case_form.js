/* What an action asks for (办理表单): drawn over the foot of its container, sent, refused in a sentence. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { esc } = yw.signs;
  const state = { box: null, parts: [], opener: null };

  const make = (tag, values = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), values);
    node.append(...children);
    return node;
  };

  /** Show a field only while what it depends on is chosen; what is hidden is not sent. */
  function settle() {
    while (settleOnce());
  }
  function settleOnce() {
    let changed = false;
    const chosen = Object.fromEntries(
      state.parts.filter((p) => p.made && p.field.name).map((p) => [p.field.name, p.made.value?.()]),
    );
    for (const part of state.parts) {
      const wanted = Object.entries(part.field.when || {}).every(([name, values]) =>
        values.includes(chosen[name]),
      );
      changed ||= wanted !== Boolean(part.made);
      if (wanted && !part.made) {
        part.made = yw.caseFields.make(part.field);
        part.place.append(part.made.node);
      } else if (!wanted && part.made) {
        part.made.gone?.();
        part.made.node.remove();
        part.made = null;
      }
    }
    return changed;
  }
  const shown = () => state.parts.flatMap((part) => (part.made ? [part.made] : []));

  function complain(text, part) {
    const wrong = state.box?.querySelector("[data-part=wrong]");
    if (!wrong) return;
    wrong.textContent = text;
    wrong.hidden = !text;
    state.box.querySelectorAll("[aria-invalid]").forEach((n) => n.removeAttribute("aria-invalid"));
    if (!part) return;
    part.node.setAttribute("aria-invalid", "true");
    part.focus?.();
    wrong.scrollIntoView({ block: "nearest" });
  }

  /** Return what was filled in as the action takes it, or say what is missing. */
  function read() {
    const body = {};
    for (const part of shown()) {
      const fault = part.check?.();
      if (fault) throw Object.assign(new Error(fault), { part });
      part.take?.(body);
    }
    if (body.reason_code === "other" && !body.note) {
      const part = shown().find((each) => each.words);
      throw Object.assign(new Error("事由选了“其他”，请写说明"), { part });
    }
    return body;
  }

  async function submit(event, id, done) {
    event.preventDefault();
    const button = event.target.querySelector("[type=submit]");
    const box = state.box;
    complain("");
    button.disabled = true;
    button.textContent = "正在提交…";
    try {
      const body = read();
      const ids = [];
      for (const part of shown()) if (part.upload) ids.push(...(await part.upload(id)));
      if (ids.length) body.photos = ids;
      await done(body);
      if (state.box === box) close();
    } catch (error) {
      if (state.box === box) complain(error.message, error.part);
    } finally {
      button.disabled = false;
      button.textContent = "提交";
    }
  }

  function close() {
    const { opener } = state;
    shown().forEach((part) => part.gone?.());
    state.box?.remove();
    Object.assign(state, { box: null, parts: [], opener: null });
    const back = opener?.isConnected && opener.closest(".more")?.querySelector("[data-menu]");
    (back || opener)?.focus?.();
  }

  function listen(form, id, done) {
    form.addEventListener("submit", (event) => submit(event, id, done));
    form.addEventListener("change", settle);
    form.addEventListener("click", ({ target }) => {
      if (target.closest("[data-stop]")) close();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      const keep = (event.ctrlKey || event.metaKey) && event.key !== "Enter";
      if (!keep) event.stopPropagation(); // the page's own keys are not meant here
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
  }

  /** Ask over `root` for what the action needs; `done` sends it and throws a sentence when refused. */
  function open(root, { title, id, fields, opener, done }) {
    close();
    const body = make("div", { className: "fields" });
    const wrong = '<p class="orange" role="alert" data-part="wrong" hidden></p>';
    const row =
      '<div class="row"><button class="btn go" type="submit">提交</button><button class="btn" type="button" data-stop="1">取消</button></div>';
    const form = make("form", { noValidate: true, innerHTML: `<h3>${esc(title)}</h3>` }, body);
    form.insertAdjacentHTML("beforeend", wrong + row);
    const box = make("div", { className: "case-form", ariaLabel: title }, form);
    box.setAttribute("role", "dialog");
    Object.assign(state, { box, opener });
    state.parts = fields.map((field) => ({ field, made: null, place: make("div") }));
    body.append(...state.parts.map((part) => part.place));
    root.append(box);
    listen(form, id, done);
    settle();
    const first = shown().find((part) => part.focus);
    if (first) first.focus();
    else form.querySelector("[type=submit]").focus();
  }

  /** Leaving with words unsent (刷新、后退): the browser asks first. */
  window.addEventListener("beforeunload", (event) => {
    const written = [...(state.box?.querySelectorAll("textarea") || [])].some((box) => box.value.trim());
    if (written) event.preventDefault();
  });

  yw.caseForm = { open, close, make, settle, isOpen: () => Boolean(state.box) };
})();
