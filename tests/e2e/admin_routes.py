"""The admin API's routes and the scope that each wants; {app}, {none}, {id} and {user} are filled in by the tests."""
ROUTES = [("GET", "/projects", "read"), ("GET", "/apps", "read"), ("GET", "/apps/{app}", "read"), ("POST", "/apps", "admin"), ("PUT", "/apps/{app}", "admin"),
          ("DELETE", "/apps/{none}", "admin"), ("POST", "/apps/{app}/secret", "admin"), ("POST", "/keys", "admin"), ("GET", "/keys", "admin"), ("DELETE", "/keys/{id}", "admin"),
          ("GET", "/users", "read"), ("GET", "/users/{user}", "read"), ("PUT", "/users/{id}/external-id", "write"), ("PUT", "/users/{id}/roles", "write"), ("DELETE", "/users/{id}", "write"), ("POST", "/apps/{app}/invitations", "write"), ("POST", "/users/{id}/disable", "write"), ("POST", "/users/{id}/enable", "write"), ("GET", "/users/{user}/sessions", "read"),
          ("DELETE", "/users/{id}/sessions", "write"), ("DELETE", "/sessions/{id}", "write"), ("POST", "/sessions/{id}/open-data", "wechat"),
          ("POST", "/sessions/{id}/check-session-key", "wechat"), ("POST", "/sessions/{id}/reset-session-key", "wechat"), ("POST", "/sessions/{id}/encrypt-key", "wechat"),
          ("POST", "/users/{id}/merge", "write"), ("GET", "/audit", "read"), ("GET", "/why/{user}", "read"), ("POST", "/webhooks", "admin"),
          ("GET", "/webhooks", "admin"), ("GET", "/webhooks/{id}", "admin"), ("PUT", "/webhooks/{id}", "admin"), ("DELETE", "/webhooks/{id}", "admin"), ("GET", "/webhooks/{id}/deliveries", "admin"), ("POST", "/webhooks/{id}/deliveries/{id}/replay", "admin")]
