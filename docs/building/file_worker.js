// A browser starts no worker from a file. The search of these pages is one: where they are opened as files, it runs in a
// hidden frame of the page instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.srcdoc =
        "<script>window.postMessage = message => parent.postMessage(message, '*')</script>" +
        `<script src="${new URL(address, location)}"></script>`;
      this.frame.onload = () => {
        const messages = this.waiting;
        this.waiting = null;
        messages.forEach(message => this.postMessage(message));
      };
      addEventListener("message", event => {
        if (event.source === this.frame.contentWindow) {
          this.dispatchEvent(new MessageEvent("message", { data: event.data }));
        }
      });
      document.documentElement.append(this.frame);
    }
    postMessage(message) {
      if (this.waiting) this.waiting.push(message);
      else Window.prototype.postMessage
        ? Window.prototype.postMessage.call(this.frame.contentWindow, message, "*")
        : this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data: message }));
    }
  };
}
