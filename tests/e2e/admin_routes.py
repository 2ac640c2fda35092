"""The admin API's routes and the scope that each wants; {app}, {none}, {id} and {user} are filled in by the tests."""
ROUTES = [("GET", "/projects", "read"), ("GET", "/apps", "read"), ("GET", "/apps/{app}", "read"), ("POST", "/apps", "admin"), ("PUT", "/apps/{app}", "admin"),
          ("DELETE", "/apps/{none}", "admin"), ("POST", "/apps/{app}/secret", "admin"), ("POST", "/keys", "admin"), ("GET", "/keys", "admin"), ("DELETE", "/keys/{id}", "admin"),
          ("GET", "/users/{user}", "read"), ("DELETE", "/users/{id}", "write"), ("POST", "/apps/{app}/invitations", "write"), ("POST", "/users/{id}/disable", "write"), ("POST", "/users/{id}/enable", "write"), ("GET", "/users/{user}/sessions", "read"),
          ("DELETE", "/users/{id}/sessions", "write"), ("DELETE", "/sessions/{id}", "write")]
