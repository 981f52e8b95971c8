// The console in Chinese and English. Each text stands beside its translation, so that neither is forgotten.

const TEXTS = {
  "title": ["中控控制台", "Token centre"],
  "language": ["English", "中文"],
  "theme": ["外观", "Appearance"],
  "theme.system": ["跟随系统", "System"],
  "theme.light": ["浅色", "Light"],
  "theme.dark": ["深色", "Dark"],
  "sign_out": ["退出", "Sign out"],
  "signed_in_as": ["调用方 {0}", "Caller {0}"],

  "signin.heading": ["登录", "Sign in"],
  "signin.lead": ["使用具有 status 或 admin 权限的调用方密钥。密钥只保存在这个标签页的内存里，刷新即忘。", "With the key of a caller that has the scope status or admin. It stays in this tab's memory; a reload forgets it."],
  "signin.key": ["调用方密钥", "Caller's key"],
  "signin.button": ["登录", "Sign in"],
  "signin.401": ["没有这个密钥。请与运维给出的密钥核对，或用 npm run new-key 新建一个。", "Nobody holds this key. Compare it with the one you were given, or make one with npm run new-key."],
  "signin.403": ["这个密钥没有 status 或 admin 权限，或不允许从这个地址使用。", "This key has neither the scope status nor admin, or may not be used from this address."],
  "signin.429": ["这个地址的无效尝试过多，请一分钟后再试。", "Too many invalid attempts from this address. Try again in a minute."],
  "signin.0": ["无法连接中控。请检查网络后重试。", "The centre cannot be reached. Check the network and try again."],
  "signin.other": ["中控没有接受：{0}", "The centre says: {0}"],
  "signin.expired": ["密钥已失效，请重新登录。", "The key is not valid any more. Sign in again."],

  "tab.apps": ["应用", "Apps"],
  "tab.events": ["事件", "Events"],
  "tab.signature": ["签名诊断", "Signatures"],

  "summary.fine": ["{0} 个应用全部正常", "All {0} apps are well"],
  "summary.fine.one": ["应用正常", "The app is well"],
  "summary.trouble": ["{0} 个应用中有 {1} 个需要关注", "{1} of {0} apps need attention"],
  "summary.none": ["这个密钥看不到任何应用。", "This key may see no app."],
  "summary.cron": ["定时任务 {0}", "Cron ran {0}"],
  "summary.cron.never": ["定时任务从未运行：请检查 wrangler.toml 的 [triggers]", "The cron has never run: check [triggers] in wrangler.toml"],
  "summary.cron.late": ["定时任务已停 {0}：Keeper 的闹钟仍在刷新，但请检查 [triggers]", "No cron for {0}: the Keepers' alarms go on, but check [triggers]"],
  "summary.alerts.on": ["告警已配置", "Alerts are set up"],
  "summary.alerts.off": ["未配置告警（ALERT_WEBHOOK）", "No alerts (ALERT_WEBHOOK)"],
  "summary.updated": ["更新于 {0}", "Updated {0}"],
  "summary.stale": ["连接中断，显示的是 {0} 的状态", "Connection lost; this is how it was at {0}"],
  "faults.heading": ["配置问题", "Settings to correct"],

  "state.ok": ["正常", "Well"],
  "state.retrying": ["刷新失败，旧值仍可用", "Refresh failing, still served"],
  "state.down": ["不可用", "Nothing to serve"],
  "state.empty": ["尚未获取", "Not fetched yet"],
  "state.misconfigured": ["配置有误", "Misconfigured"],
  "state.unknown": ["Keeper 没有答复", "Keeper does not answer"],
  "platform.official": ["公众号", "Official account"],
  "platform.mini": ["小程序", "Mini program"],
  "api.stable": ["稳定版接口", "stable API"],
  "api.plain": ["普通接口", "plain API"],

  "card.left": ["剩余 {0}", "{0} left"],
  "card.none": ["没有可用的值", "No value"],
  "card.version": ["版本 {0}", "version {0}"],
  "card.next": ["下次刷新 {0}", "next refresh {0}"],
  "card.due": ["正在刷新", "refresh is due"],
  "card.success": ["上次成功 {0}", "last success {0}"],
  "card.never": ["从未成功", "no success yet"],
  "card.age_unknown": ["签发时间未知，每几分钟核对一次", "age not known yet; checked every few minutes"],
  "card.quota": ["今日调用 {0} / {1}", "{0} of {1} calls today"],
  "card.life": ["{0} 的剩余寿命", "Life left of {0}"],
  "card.refresh": ["刷新", "Refresh"],
  "card.refresh.of": ["刷新 {0}", "Refresh {0}"],
  "card.recheck": ["重新检查", "Re-check"],
  "card.revoke": ["作废 token", "Revoke token"],
  "card.details": ["趋势", "Trends"],
  "card.revoking": ["正在作废旧 token：还需强制刷新 {0} 次", "Revoking: {0} forced refreshes to go"],
  "card.revoked": ["token 已于 {0} 作废完成", "Revoked; the old token was dead {0}"],
  "card.waiting": ["{0} 条告警等待送达", "{0} alerts wait to be delivered"],

  "trouble.heading": ["{0}：刷新失败", "{0}: refresh failing"],
  "trouble.errcode": ["errcode {0}", "errcode {0}"],
  "trouble.since": ["始于 {0}，已失败 {1} 次，{2}重试", "since {0}, failed {1}×, retry {2}"],
  "trouble.40164": ["微信不允许来自这个出口 IP 的调用。也可以改用固定 IP 的中转。", "WeChat does not allow calls from this outgoing IP. A relay with a fixed IP is the other way out."],
  "trouble.ip": ["要加入白名单的 IP", "IP to put on the whitelist"],
  "trouble.copy": ["复制", "Copy"],
  "trouble.copied": ["已复制", "Copied"],
  "trouble.where": ["粘贴到：mp.weixin.qq.com → 设置与开发 → 基本配置 → IP白名单，保存后点“重新检查”。", "Paste it at mp.weixin.qq.com → 设置与开发 → 基本配置 → IP白名单, save, then press Re-check."],
  "trouble.open": ["打开公众平台", "Open mp.weixin.qq.com"],
  "outsider.heading": ["有其他系统在使 token 失效（{0} 次，最近 {1}）", "Somebody else kills this token ({0} times, last {1})"],

  "plots.life": ["剩余寿命（分钟）", "Life left (minutes)"],
  "plots.calls": ["每小时对微信的调用", "Calls to WeChat per hour"],
  "plots.failures": ["每小时失败（按类别）", "Failures per hour, by class"],
  "plots.rotations": ["近 {1} 天轮换 {0} 次", "{0} rotations in {1} days"],
  "plots.total": ["共 {0} 次调用，{1} 次失败", "{0} calls, {1} failures"],
  "plots.no_failures": ["近几天没有失败。", "No failure in these days."],
  "plots.quota": ["今日额度", "Today's quota"],
  "plots.loading": ["正在加载…", "Loading…"],
  "plots.empty": ["还没有数据。", "No data yet."],
  "class.operator": ["需要人处理", "needs a person"],
  "class.busy": ["微信繁忙", "WeChat busy"],
  "class.minute_quota": ["分钟额度", "minute quota"],
  "class.day_quota": ["当天额度", "day quota"],
  "class.our_fault": ["请求有误", "our fault"],
  "class.dead_token": ["token 失效", "dead token"],
  "class.unreachable": ["微信无答复", "no answer"],
  "class.garbled": ["答复不可识别", "no reply of WeChat"],
  "class.no_token": ["没有 token", "no token"],
  "class.dead_again": ["重复下发失效 token", "dead token again"],
  "class.ledger_full": ["计数已满", "ledger full"],
  "class.lost": ["结果丢失", "outcome lost"],

  "dialog.cancel": ["取消", "Cancel"],
  "refresh.heading": ["现在刷新 {0}？", "Refresh {0} now?"],
  "refresh.stable": ["现在就向微信请求。稳定版接口在最后 5 分钟之前会返回同一个值，所以健康的 token 不会变。", "WeChat is asked now. The stable API gives the same value until its last 5 minutes, so a healthy token stays as it is."],
  "refresh.plain": ["普通接口每次请求都会换新 token，所以先询问微信：仍有效就保留，失效才更换。", "The plain API makes a new token on each call, so WeChat is asked first: one that lives is kept, a dead one replaced."],
  "refresh.ticket": ["现在就向微信请求。ticket 在到期前是同一个值。", "WeChat is asked now. A ticket is the same value until its end."],
  "recheck.heading": ["重新检查 {0}？", "Re-check {0}?"],
  "recheck.text": ["立即检查 Keeper、微信、存储和定时任务；正在失败的刷新会马上重试。", "The Keeper, WeChat, the store and the cron are asked now; what is failing is tried again at once."],
  "revoke.heading": ["作废 {0} 的 access_token？", "Revoke the access_token of {0}?"],
  "revoke.text": ["用于 token 泄露：间隔 30 秒强制刷新两次，旧 token 随即失效。仍在使用旧 token 的调用方会收到 40001，直到重新获取。每天最多 20 次强制刷新。", "For a leaked token: two forced refreshes, 30 s apart, and the old one is dead. Callers that still use it get 40001 until they ask again. There are 20 forced refreshes a day."],
  "revoke.button": ["作废", "Revoke"],
  "done.rotated": ["{0}：已换新值", "{0}: replaced by a new value"],
  "done.unchanged": ["{0}：微信已答复，值不变", "{0}: WeChat has answered, the value stays"],
  "done.failed": ["{0}：仍然失败", "{0}: still failing"],
  "done.waits": ["{0}：刚刚问过微信，稍候再试", "{0}: WeChat was asked a moment ago; try again shortly"],
  "done.store.ok": ["存储（{0}）可读", "Store ({0}) can be read"],
  "done.store.empty": ["存储（{0}）里还没有这个应用", "Store ({0}) has nothing of this app yet"],
  "done.store.failed": ["存储（{0}）读取失败", "Store ({0}) cannot be read"],
  "done.cron.failed": ["名册没有答复", "The roster does not answer"],
  "done.revoke": ["作废已开始，约 31 秒后完成", "The revocation has begun; it takes about 31 s"],
  "done.error": ["没有成功：{0}", "That did not work: {0}"],
  "done.unreachable": ["中控没有答复", "the centre does not answer"],

  "events.need_admin": ["事件记录需要 admin 权限的密钥。", "The events need a key with the scope admin."],
  "events.app": ["应用", "App"],
  "events.kind": ["类别", "Kind"],
  "events.action": ["动作", "Action"],
  "events.caller": ["调用方", "Caller"],
  "events.all": ["全部", "All"],
  "events.more": ["更早的", "Older"],
  "events.none": ["没有符合条件的事件。", "No event like that."],
  "events.when": ["时间", "When"],
  "events.what": ["动作", "What"],
  "events.result": ["结果", "Result"],
  "events.who": ["调用方", "Who"],
  "events.detail": ["详情", "Details"],
  "kind.access": ["取用", "Access"],
  "kind.report": ["上报", "Reports"],
  "kind.refusal": ["拒绝", "Refusals"],
  "kind.stranger": ["无密钥", "Strangers"],
  "kind.upkeep": ["维护", "Upkeep"],

  "sign.lead": ["invalid signature？填上页面的 URL；若有页面传给 wx.config 的三个值，也可以一并检查。", "invalid signature? Give the page's URL and, if you have them, the three values that the page handed to wx.config."],
  "sign.need_admin": ["签名诊断需要 admin 权限的密钥。", "This tool needs a key with the scope admin."],
  "sign.no_app": ["没有保存 jsapi_ticket 的应用。", "No app keeps a jsapi ticket."],
  "sign.url": ["页面 URL（location.href）", "URL of the page (location.href)"],
  "sign.signature": ["signature（可选）", "signature (optional)"],
  "sign.nonce": ["nonceStr（可选）", "nonceStr (optional)"],
  "sign.timestamp": ["timestamp（可选）", "timestamp (optional)"],
  "sign.button": ["诊断", "Explain"],
  "sign.verdict.right": ["签名正确", "The signature is right"],
  "sign.verdict.other_url": ["签的是另一个 URL", "Made for another URL"],
  "sign.verdict.unknown": ["不是为它生成的", "Not made for this"],
  "sign.signed_instead": ["实际签的是", "It was made for"],
  "sign.host.yes": ["域名 {0} 允许签名", "Host {0} may be signed"],
  "sign.host.no": ["域名 {0} 不在 sign_hosts 中", "Host {0} is not among sign_hosts"],
  "sign.hosts": ["允许的域名：{0}", "Allowed: {0}"],
  "sign.hosts.none": ["没有配置 sign_hosts", "No sign_hosts are configured"],
  "sign.string": ["被签名的字符串（ticket 已隐去）", "The string that is signed (the ticket is masked)"],
  "sign.result": ["它的签名", "Its signature"],
  "sign.ticket": ["jsapi_ticket 版本 {0}，还剩 {1}", "jsapi_ticket version {0}, {1} left"],
  "sign.domain": ["另外，该域名必须填在公众号后台的 JS接口安全域名 里。", "The host must also stand among the account's JS接口安全域名."],

  "unit.d": ["天", "d"],
  "unit.h": ["小时", "h"],
  "unit.min": ["分", "min"],
  "unit.s": ["秒", "s"],
  "in": ["{0}后", "in {0}"],
  "ago": ["{0}前", "{0} ago"],
};

const preferred = () => (navigator.languages.some((tag) => tag.toLowerCase().startsWith("zh")) ? "zh" : "en");
let current = localStorage.getItem("language") === "zh" || localStorage.getItem("language") === "en" ? localStorage.getItem("language") : preferred();

export const language = () => current;

export function setLanguage(next) {
  current = next;
  localStorage.setItem("language", next);
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
}

/** The text of that name, with `{0}`, `{1}`, … filled in. */
export function t(name, ...values) {
  const texts = TEXTS[name];
  if (!texts) return name;
  return texts[current === "zh" ? 0 : 1].replace(/\{(\d)\}/g, (_, place) => values[place] ?? "");
}

/** A text that there may be none for: then the word itself. */
export const word = (group, name) => (TEXTS[`${group}.${name}`] ? t(`${group}.${name}`) : name.replaceAll("_", " "));

/** What the API says in both languages. */
export const detailOf = (said) => (current === "zh" && said.detail_zh ? said.detail_zh : said.detail);
