// Somebody who receives alerts: keeps what comes, and answers as the test wants.

import { createServer } from "node:http";

/** What each kind of receiver says when it has taken a message. */
export const TAKEN = {
  generic: [204, ""],
  wecom: [200, '{"errcode":0,"errmsg":"ok"}'],
  feishu: [200, '{"code":0,"msg":"success","data":{}}'],
  dingtalk: [200, '{"errcode":0,"errmsg":"ok"}'],
  slack: [200, "ok"],
};

export async function startReceiver(format = "generic") {
  const came = [];
  const state = { answer: TAKEN[format] };
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => {
      const [status, body] = state.answer;
      came.push({ url: request.url, headers: request.headers, text, body: JSON.parse(text), taken: state.answer === TAKEN[format] });
      response.writeHead(status, { "content-type": "application/json", location: "/elsewhere" }).end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Everything that came, taken or not. */
    came,
    /** What was taken. */
    taken: () => came.filter(({ taken }) => taken),
    answer: (status, body) => (state.answer = [status, body]),
    recover: () => (state.answer = TAKEN[format]),
    stop: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
