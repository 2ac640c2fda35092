// What dev mode prints when everything runs: in Chinese and English, because both are read by who builds mini programs. The two commands
// are run as they stand by tests/e2e; change them there too.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "app/dev.h"

namespace kaimen::app {

namespace {

// The first string member of that name in a JSON answer, with sed alone: developers' machines have no jq.
std::string take_member(const std::string& name) { return R"x(sed -n 's/.*")x" + name + R"x(":"\([^"]*\)".*/\1/p')x"; }

std::string login_command(const DevFacts& facts) {
  const std::string json = " -H 'Content-Type: application/json'";
  return "CODE=$(curl -s " + facts.sandbox_url + "/sandbox/login" + json + " -d '{\"appid\":\"" + kDevAppId + "\",\"user\":\"ada\"}' | " +
         take_member("code") + "); TICKET=$(curl -s " + facts.public_url + "/v1/login" + json + " -d '{\"app_id\":\"" + kDevAppId +
         "\",\"code\":\"'$CODE'\"}' | " + take_member("token") + "); echo \"$TICKET\"";
}

std::string check_command(const DevFacts& facts) { return "curl -i -H \"Authorization: Bearer $TICKET\" " + facts.private_url + "/verify"; }

}  // namespace

std::vector<std::string> lan_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return addresses;
  for (const ifaddrs* each = all; each; each = each->ifa_next) {
    const bool usable = each->ifa_addr && each->ifa_addr->sa_family == AF_INET && (each->ifa_flags & IFF_UP) && !(each->ifa_flags & IFF_LOOPBACK);
    if (!usable) continue;
    char text[INET_ADDRSTRLEN];
    const auto* address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
    if (inet_ntop(AF_INET, &address->sin_addr, text, sizeof text)) addresses.emplace_back(text);
  }
  freeifaddrs(all);
  return addresses;
}

std::string dev_greeting(const DevFacts& facts) {
  std::string out = "Kaimen 已启动（开发模式）· Kaimen is running (dev mode)\n\n";
  out += "  公开接口 client API          " + facts.public_url + "\n";
  out += "  私有接口 checks and admin    " + facts.private_url + "\n";
  if (!facts.sandbox_url.empty()) {
    out += "  离线微信 offline WeChat      " + facts.sandbox_url + "\n";
    out += std::string("  小程序 AppID                 ") + kDevAppId + "\n";
    out += "  浏览器里的手机 playground    " + facts.private_url + "/playground\n";
  } else {
    out += "  微信 WeChat                  " + facts.upstream + "\n";
  }
  out += "  管理密钥 admin key           " + facts.admin_key + "\n";
  out += "  数据目录 data directory      " + facts.data_directory + "\n\n";

  if (!facts.sandbox_url.empty()) {
    out += "登录并取得票据 · log in and keep the ticket:\n\n" + login_command(facts) + "\n\n";
    out += "校验票据（应答 204 与用户身份）· check it (answers 204 and who it is):\n\n" + check_command(facts) + "\n\n";
  } else {
    out += "添加你的小程序（会询问 AppSecret）· add your mini program (asks for its AppSecret):\n\n";
    out += "kaimen app add YOUR_APPID --data " + facts.data_directory + "\n\n";
  }

  out += "小程序里填写的服务器地址 · base URL in the mini program:\n";
  out += "  本机（模拟器）this machine (simulator)   " + facts.public_url + "\n";
  if (facts.on_lan) {
    for (const auto& address : lan_addresses()) out += "  局域网（真机）local network (phone)      http://" + address + ":" + facts.public_port + "\n";
  } else {
    out += "  局域网（真机）local network (phone)      --lan 启动后可用 · start with --lan\n";
  }
  out += "  微信开发者工具 → 详情 → 本地设置 → 勾选「不校验合法域名、web-view（业务域名）、TLS 版本以及 HTTPS 证书」\n";
  out += "  WeChat DevTools: Details → Local Settings → tick \"Do not verify valid domain names …\"\n\n";

  out += std::string("  --devtools   ") + (facts.devtools ? "（已开启 on）" : "") +
         "开发者工具里 wx.login 得到的 code 也能登录 · codes of WeChat DevTools log in, as user \"devtools\"\n";
  out += std::string("  --lan        ") + (facts.on_lan ? "（已开启 on）" : "") + "监听 0.0.0.0，供真机调试 · listen on 0.0.0.0, for a real phone\n";
  out += "  --wechat https://api.weixin.qq.com   使用真实微信与你自己的 AppID · the real WeChat and your own appid\n\n";
  out += "按 Ctrl-C 结束 · Ctrl-C ends it\n";
  return out;
}

}  // namespace kaimen::app
