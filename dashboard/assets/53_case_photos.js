/* Photos of an action (照片与文书): seen before they go, signed where the page is when they do. */
(() => {
  "use strict";
  const yw = (window.yiwang = window.yiwang || {});
  const { esc } = yw.signs;
  const make = (...given) => yw.caseForm.make(...given);
  const MOST = 9;
  const PICTURES = "image/jpeg,image/png,image/webp";

  const face = ({ file, url }) =>
    file.type.startsWith("image/")
      ? `<img src="${url}" alt="${esc(file.name)}">`
      : `<b>PDF<small>${esc(file.name)}</small></b>`;

  /** Say whether the place is known; `found` keeps it for the signature. */
  function locate(part, found) {
    const say = (text, wrong) => {
      part.textContent = text;
      part.classList.toggle("orange", Boolean(wrong));
    };
    const lost = () =>
      say("没有取得位置：用现场拍的原图（带位置），或在手机上打开定位后反馈", true);
    if (!navigator.geolocation) return lost();
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        found.here = coords;
        say(`已取得位置，误差约 ${Math.round(coords.accuracy)} 米，随照片签名`);
      },
      lost,
      { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 },
    );
  }

  async function send({ file }, { id, kind, here }) {
    const form = new FormData();
    form.append("file", file);
    form.append("incident_id", id);
    form.append("kind", kind);
    if (here) {
      const { longitude: lon, latitude: lat, accuracy } = here;
      const place = { incident_id: id, lon, lat, accuracy };
      form.append("token", (await yw.sending.send("POST", "/api/v1/uploads/captures", place)).token);
    }
    return (await yw.sending.send("POST", "/api/v1/uploads", form)).id;
  }

  function field({ kind, placed, must, label }) {
    const shots = [];
    const found = { here: null };
    const paper = kind === "document";
    const accept = paper ? `application/pdf,${PICTURES}` : PICTURES;
    const input = make("input", { type: "file", name: "file", accept, multiple: true });
    const words = make("span", { textContent: paper ? "选文书" : "选照片" });
    const pick = make("label", { className: "btn sm pick", tabIndex: 0 }, words, input);
    const frames = make("div", { className: "shots", hidden: true });
    const node = make("div", { className: "field photos" });
    node.append(make("span", { textContent: label }), frames, pick);
    if (placed) {
      const place = make("p", { className: "place", textContent: "正在取位置…" });
      node.append(place);
      locate(place, found);
    }
    const draw = () => {
      frames.innerHTML = shots
        .map(
          (shot, i) =>
            `<figure>${face(shot)}<button type="button" data-drop="${i}" aria-label="去掉这张">×</button></figure>`,
        )
        .join("");
      frames.hidden = !shots.length;
    };
    input.addEventListener("change", () => {
      for (const file of [...input.files].slice(0, MOST - shots.length))
        shots.push({ file, url: URL.createObjectURL(file) });
      input.value = "";
      draw();
    });
    frames.addEventListener("click", ({ target }) => {
      if (!target.dataset.drop) return;
      const [gone] = shots.splice(Number(target.dataset.drop), 1);
      URL.revokeObjectURL(gone.url);
      draw();
    });
    pick.addEventListener("keydown", (event) => {
      if (event.target === pick && [" ", "Enter"].includes(event.key)) {
        event.preventDefault();
        input.click();
      }
    });
    return {
      node,
      check: () => (must && !shots.length ? `请先${words.textContent}，再提交` : ""),
      focus: () => pick.focus(),
      upload: async (id) => {
        const ids = [];
        for (const shot of shots) {
          shot.id ||= await send(shot, { id, kind, here: found.here }); // sent once, if asked again
          ids.push(shot.id);
        }
        return ids;
      },
      gone: () => shots.forEach((shot) => URL.revokeObjectURL(shot.url)),
    };
  }

  yw.casePhotos = { field };
})();
