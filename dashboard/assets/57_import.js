/* Sending a table of reports (批量导入): as it stands, in one request, never through a callback. */
(() => {
  "use strict";
  const MOST = 40 * 1024 * 1024;
  const cookie = (name) =>
    document.cookie
      .split("; ")
      .find((c) => c.startsWith(`${name}=`))
      ?.slice(name.length + 1) || "";
  const set = (id, props) => window.dash_clientside?.set_props(id, props);
  const said = (words) => {
    const place = document.getElementById("imp-sending");
    if (place) place.textContent = words;
  };
  let sending = false;

  async function send(file) {
    if (!file || sending) return;
    if (file.size > MOST) return said("文件超过 40 MB，请分成几个文件");
    sending = true;
    said(`正在上传 ${file.name} …`);
    const body = new FormData();
    body.append("file", file);
    const headers = { "X-CSRF-Token": decodeURIComponent(cookie("yiwang_csrf")) };
    try {
      const answer = await fetch("/api/v1/incident-imports", { method: "POST", headers, body });
      if (answer.status === 401) return void location.assign("/sign-in?next=/import");
      const told = await answer.json();
      said(answer.ok ? "" : told.detail || "没有收到，请再试一次");
      if (answer.ok) {
        set("imp-id", { data: told.id });
        set("imp-beat", { disabled: false });
        set("admin-changed", { data: new Date().toISOString() });
      }
    } catch {
      said("没有传到，请检查网络后再试");
    } finally {
      sending = false;
    }
  }

  function ask() {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = ".csv,.xlsx,.txt";
    input.addEventListener("change", () => send(input.files[0]));
    input.click();
  }

  const place = (event) => event.target.closest?.("#imp-drop");
  document.addEventListener("click", (event) => place(event) && ask());
  document.addEventListener("keydown", (event) => {
    if (place(event) && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      ask();
    }
  });
  document.addEventListener("dragover", (event) => place(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!place(event)) return;
    event.preventDefault();
    send(event.dataTransfer.files[0]);
  });
})();
