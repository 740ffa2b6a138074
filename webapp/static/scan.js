// Reads a coupon's QR code with the camera, at the counter. Loaded by regulars.js when somebody asks for it.
export const scan = async (button) => {
  const said = button.dataset;
  // A page that was swapped in keeps the policy of the one that was loaded, which allows no camera: load it wholly.
  const policy = document.featurePolicy;
  if (policy && !policy.allowsFeature("camera") && said.now === undefined) return location.assign(said.page);
  delete said.now;
  const sorry = () => {
    const line = document.createElement("p");
    line.setAttribute("role", "alert");
    line.textContent = said.failed;
    button.replaceWith(line);
  };
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch { return sorry(); }

  const box = document.createElement("dialog");
  const video = document.createElement("video");
  const close = document.createElement("button");
  box.className = "scan";
  box.setAttribute("aria-label", button.textContent.trim());
  video.muted = video.playsInline = true;
  close.type = "button";
  close.textContent = said.close;
  close.onclick = () => box.close();
  box.append(video, close);
  box.onclose = () => {
    stream.getTracks().forEach((track) => track.stop());
    box.remove();
    button.focus();
  };
  document.body.append(box);
  box.showModal();
  video.srcObject = stream;
  video.play().catch(() => {}); // closed at once: nothing was shown

  const reader = new BarcodeDetector({ formats: ["qr_code"] });
  const look = async () => {
    if (!box.open) return;
    const found = await reader.detect(video).catch(() => []);
    if (!found.length) return setTimeout(look, 200);
    const form = document.getElementById(said.form);
    const to = new URL(form.action);
    to.searchParams.set("code", found[0].rawValue.slice(0, 300));
    const store = form.elements.store;
    if (store && store.value !== "0") to.searchParams.set("store", store.value);
    box.close();
    location.assign(to);
  };
  look();
};
