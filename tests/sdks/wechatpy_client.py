"""wechatpy, pointed at the centre by the subclass that its documentation suggests: one line of JSON asks, one answers.

Usage: wechatpy_client.py URL APPID KEY
"""
import json
import sys

from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

URL, APPID, KEY = sys.argv[1:]


class Client(WeChatClient):
    API_BASE_URL = URL + "/cgi-bin/"

    def fetch_access_token(self):
        # Its own has WeChat's host written into it.
        return self._fetch_access_token(
            url=URL + "/cgi-bin/token",
            params={"grant_type": "client_credential", "appid": self.appid, "secret": self.secret},
        )


client = Client(APPID, KEY)
ASK = {
    "token": lambda: client.access_token,
    "ticket": lambda: client.jsapi.get_jsapi_ticket(),
    "business": lambda: client.user.get_followers(),
}

for line in sys.stdin:
    try:
        answer = {"ok": ASK[json.loads(line)]()}
    except WeChatClientException as error:
        answer = {"errcode": error.errcode, "errmsg": error.errmsg}
    print(json.dumps(answer), flush=True)
