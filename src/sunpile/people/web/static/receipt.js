// The receipt page works without this; here only the copy button.
const button = document.getElementById('copy');
button?.addEventListener('click', async () => {
  await navigator.clipboard?.writeText(document.getElementById('command').textContent);
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => (button.textContent = before), 1200);
});
