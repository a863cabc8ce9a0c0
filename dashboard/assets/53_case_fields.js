/* Fields of a form (表单项). Each is {node, value, check, take, focus}: `check` says what is missing,
   `take` writes what was filled in where the action takes it; a name may lead into `data.`. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { moments } = yw;
  const make = (...given) => yw.caseForm.make(...given);
  let count = 0;
  const newId = () => `field-${++count}`;

  const two = (n) => String(n).padStart(2, "0");
  /** A moment of the county's clock as one types it; a date field would follow the browser's tongue. */
  function asField(ms) {
    const d = new Date(ms + 8 * 3600e3);
    const day = `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
    return `${day} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  }
  const TYPED = /^(\d{4})-(\d\d?)-(\d\d?) (\d\d?):(\d\d)$/;
  /** Return what was typed as a moment with its zone; null when no such day or time is. */
  function momentOf(text) {
    const found = TYPED.exec(text.trim());
    if (!found) return null;
    const [, year, month, day, hour, minute] = found;
    const said = `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:00+08:00`;
    const ms = Date.parse(said);
    const typed = `${year}-${two(month)}-${two(day)} ${two(hour)}:${minute}`;
    return Number.isNaN(ms) || asField(ms) !== typed ? null : said;
  }

  /** Write a value under its name; "data.card" is the card of the data. */
  function put(body, name, value) {
    const [first, inner] = name.split(".");
    if (!inner) body[first] = value;
    else body[first] = { ...body[first], [inner]: value };
  }

  /* ---- plain fields -------------------------------------------------------------------------- */

  function hint(field) {
    return { node: make("p", { className: "hint", textContent: field.text }) };
  }

  function words(field) {
    const id = newId();
    const box = make("textarea", { id, name: field.name, rows: field.must ? 3 : 2, maxLength: 2000 });
    const label = make("label", { htmlFor: id, textContent: field.label });
    return {
      words: true,
      node: make("div", { className: "field" }, label, box),
      check: () => (field.must && !box.value.trim() ? `请写${field.label}` : ""),
      take: (body) => {
        if (box.value.trim()) put(body, field.name, box.value.trim());
      },
      focus: () => box.focus(),
    };
  }

  /** One of a few (单选): all stand in view, arrows move between them. */
  function choice(field) {
    const name = newId();
    const options = Object.entries(field.options);
    if (!field.must) options.push(["", "没有问"]);
    const radios = options.map(([value, word]) => {
      const radio = make("input", { type: "radio", name, value });
      radio.checked = field.must ? options.length === 1 : value === "";
      radio.dataset.word = word;
      return radio;
    });
    const pills = radios.map((radio) =>
      make("label", { className: "pill-of" }, radio, make("span", { textContent: radio.dataset.word })),
    );
    const value = () => radios.find((radio) => radio.checked)?.value ?? "";
    const node = make(
      "fieldset",
      { className: "field" },
      make("legend", { textContent: field.label }),
      make("div", { className: "pills" }, ...pills),
    );
    node.dataset.name = field.name;
    return {
      node,
      value,
      check: () => (field.must && !value() ? `请选：${field.label}` : ""),
      take: (body) => {
        if (value()) put(body, field.name, field.as === "bool" ? value() === "true" : value());
      },
      focus: () => (radios.find((radio) => radio.checked) || radios[0])?.focus(),
    };
  }

  /** A moment (时间): typed, or taken from the quick ones below. */
  function moment(field) {
    const id = newId();
    const at = (each) => (each.until ? Date.parse(each.until) : moments.now() + each.days * 86400e3);
    const box = make("input", { id, name: field.name, placeholder: "例如 2026-01-31 18:00" });
    box.autocomplete = "off";
    const usual = field.quick.find((each) => each.days === field.usual) || field.quick[0];
    if (!field.empty && usual) box.value = asField(at(usual));
    const quick = field.quick.map((each) => {
      const button = make("button", { type: "button", className: "btn sm", textContent: each.label });
      button.addEventListener("click", () => {
        box.value = asField(at(each));
        mark();
      });
      return button;
    });
    const mark = () =>
      quick.forEach((button, i) => {
        const on = box.value === asField(at(field.quick[i]));
        button.setAttribute("aria-pressed", String(on));
      });
    box.addEventListener("input", mark);
    mark();
    return {
      node: make(
        "div",
        { className: "field" },
        make("label", { htmlFor: id, textContent: field.label }),
        box,
        make("div", { className: "quick" }, ...quick),
      ),
      check: () => {
        if (!box.value.trim()) return field.must ? `请写时间：${field.label}` : "";
        return momentOf(box.value) ? "" : "时间要写成 2026-01-31 18:00";
      },
      take: (body) => {
        if (box.value.trim()) put(body, field.name, momentOf(box.value));
      },
      focus: () => box.focus(),
    };
  }

  /* ---- fields with a list -------------------------------------------------------------------- */

  /** A field that finds what it takes in a list; `code` says which property is sent. */
  const listed = (field, source, code, missing) => {
    const box = yw.caseChoose.box({ label: field.label, placeholder: source.placeholder, ...source });
    return {
      node: box.node,
      gone: box.gone,
      check: () => (field.must && !box.chosen() ? missing : ""),
      take: (body) => {
        if (box.chosen()) put(body, field.name, box.chosen()[code]);
      },
      focus: box.focus,
    };
  };
  const unit = (field) =>
    listed(field, yw.caseChoose.units(field), "code", "没有找到这个单位，请从列表里选一个");
  const category = (field) =>
    listed(field, yw.caseChoose.categories(field), "code", "没有找到这个分类，请从列表里选一个");
  const twin = (field) =>
    listed(field, yw.caseChoose.cases(field), "number", "请写要并入的案号（14 位数字）");

  const KINDS = {
    hint,
    words,
    choice,
    moment,
    unit,
    category,
    case: twin,
    photos: (field) => yw.casePhotos.field(field),
    place: (field) => yw.casePlace.field(field),
  };
  const draw = (field) => KINDS[field.type](field);

  yw.caseFields = { make: draw, put, newId, asField, momentOf };
})();
