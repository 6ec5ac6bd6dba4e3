for (const box of document.querySelectorAll(".slider")) {
  const points = JSON.parse(box.dataset.points);
  const input = box.querySelector("input");
  const share = (part, rest) =>
    part + rest ? `${(100 * part / (part + rest)).toFixed(1)} % (${part} of ${part + rest})` : "none";
  const show = () => {
    const [found, missed, alarms, passed] = points[input.value];
    box.querySelector("output").textContent = (input.value / 100).toFixed(2);
    const texts = {
      called: `${found + alarms}`,
      sensitivity: share(found, missed),
      specificity: share(passed, alarms),
      ppv: share(found, alarms),
      npv: share(passed, missed),
    };
    for (const place of box.querySelectorAll("[data-show]")) place.textContent = texts[place.dataset.show];
  };
  input.addEventListener("input", show);
  box.hidden = false;
  show();
}
