"""Logs in at an OpenID Connect provider, as a native client or as a browser.

oidc.py id-token ISSUER CLIENT SUB       prints the provider's token of a user
oidc.py browser WEBSSO-URL SUB [ORIGIN]  follows a dashboard's login and prints the token that the dashboard would get
"""

import html
import http.cookiejar
import json
import re
import sys
import urllib.parse
import urllib.request


class Stop(urllib.request.HTTPRedirectHandler):
    """Redirects are looked at, not followed."""

    def redirect_request(self, *_args):
        return None


def opener(*handlers):
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)


def agree(browser, url, sub):
    """Logs in as `sub` at the provider's page `url`; where it sends the browser back to."""
    form = urllib.parse.urlencode({"sub": sub}).encode()
    try:
        answer = browser.open(urllib.request.Request(url, data=form), timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.headers["Location"]


def id_token(issuer, client, sub):
    browser = opener(Stop())
    document = json.load(browser.open(f"{issuer}/.well-known/openid-configuration", timeout=20))
    back = "http://localhost/back"
    query = {"response_type": "code", "client_id": client, "redirect_uri": back, "scope": "openid email profile", "state": "s", "nonce": "n"}
    url = agree(browser, f"{document['authorization_endpoint']}?{urllib.parse.urlencode(query)}", sub)
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": client, "client_secret": "secret"}
    request = urllib.request.Request(document["token_endpoint"], data=urllib.parse.urlencode(form).encode())
    return json.load(browser.open(request, timeout=20))["id_token"]


def browse(url, sub):
    cookies = http.cookiejar.CookieJar()
    browser = opener(urllib.request.HTTPCookieProcessor(cookies), Stop())
    try:
        browser.open(url, timeout=20)
    except urllib.error.HTTPError as error:
        if error.code != 302:
            raise
        url = error.headers["Location"]
    page = browser.open(agree(browser, url, sub), timeout=20).read().decode()
    action = html.unescape(re.search(r'action="([^"]*)"', page).group(1))
    token = html.unescape(re.search(r'name="token"[^>]*value="([^"]*)"', page).group(1))
    return action, token


if sys.argv[1] == "id-token":
    print(id_token(*sys.argv[2:]))
else:
    action, token = browse(*sys.argv[2:4])
    if action != sys.argv[4]:
        sys.exit(f"the token would go to {action}")
    print(token)
