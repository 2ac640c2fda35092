import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletRequestWrapper;
import javax.servlet.http.HttpServletResponse;

/**
 * Kaimen for servlets: says who is calling before your servlet runs, by getUserPrincipal(), getRemoteUser() and isUserInRole(). Copy this file;
 * it needs Java 11 and the servlet API (for jakarta.servlet change the imports). What it does and its init parameters: ../README.md.
 */
public final class KaimenFilter implements Filter {
  private static final List<String> TICKETS = List.of("Authorization", "Cookie", "X-Kaimen-Ticket", "X-WX-Skey", "X-Request-Id");
  private static final Pattern CLAIMED = Pattern.compile("x-(kaimen-(?!ticket$).*|wx-(from-)?(openid|unionid|appid))");

  /** Who holds the ticket of a request. What is not known is null. */
  public static final class Identity implements Principal {
    public final String user, session, app, openid, unionid, externalId, env, jwt;
    /** Who of your team looks on in the user's place; null: the user. Refuse them what only the user may do. */
    public final String actor;
    public final Set<String> roles;
    public final boolean registered;
    public final Instant expires;

    private Identity(HttpResponse<Void> told) {
      user = text(told, "User");
      session = text(told, "Session");
      app = text(told, "App");
      openid = text(told, "Openid");
      unionid = text(told, "Unionid");
      externalId = text(told, "External-Id");
      env = text(told, "Env");
      jwt = text(told, "Jwt");
      actor = text(told, "Actor");
      String list = text(told, "Roles");
      roles = list == null || list.isEmpty() ? Set.of() : Set.of(list.split(","));
      registered = "true".equals(text(told, "Registered"));
      String seconds = text(told, "Expires");
      expires = Instant.ofEpochSecond(seconds == null ? 0 : Long.parseLong(seconds));
    }

    @Override
    public String getName() {
      return user;
    }

    private static String text(HttpResponse<?> told, String name) {
      return told.headers().firstValue("X-Kaimen-" + name).orElse(null);
    }
  }

  private HttpClient client;
  private URI target;
  private String key;
  private Duration timeout;
  private boolean optional;
  private final List<String> passed = new ArrayList<>(TICKETS);

  /** Parameters: url, key, check (a query: app_id=wx…&registered=true), ticketHeaders (with commas), timeoutMillis. */
  @Override
  public void init(FilterConfig config) {
    String url = or(config.getInitParameter("url"), "http://127.0.0.1:8081");
    String check = or(config.getInitParameter("check"), "");
    key = config.getInitParameter("key");
    timeout = Duration.ofMillis(Long.parseLong(or(config.getInitParameter("timeoutMillis"), "2000")));
    optional = List.of(check.split("&")).contains("optional=true");
    for (String name : or(config.getInitParameter("ticketHeaders"), "").split(",")) if (!name.isBlank()) passed.add(name.trim());
    target = URI.create(url + "/verify" + (check.isEmpty() ? "" : "?" + check));
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(timeout).proxy(HttpClient.Builder.NO_PROXY)
        .followRedirects(HttpClient.Redirect.NEVER).build();
  }

  @Override
  public void doFilter(ServletRequest in, ServletResponse out, FilterChain chain) throws IOException, ServletException {
    HttpServletRequest request = (HttpServletRequest) in;
    HttpServletResponse response = (HttpServletResponse) out;
    HttpResponse<Void> told = ask(request);
    int status = told == null ? 503 : told.statusCode();
    if (status == 204 && told.headers().firstValue("X-Kaimen-User").isPresent()) {
      chain.doFilter(new Known(request, new Identity(told)), response);
    } else if (status == 204 && optional) {
      chain.doFilter(new Known(request, null), response);
    } else {
      // A 204 that names nobody is not Kaimen's, and neither is anything but these two.
      refuse(response, status == 401 || status == 403 ? status : 503, told);
    }
  }

  @Override
  public void destroy() {}

  private HttpResponse<Void> ask(HttpServletRequest request) {
    try {
      HttpRequest.Builder asked = HttpRequest.newBuilder(target).timeout(timeout);
      // As they came, doubled ones too: Kaimen judges those.
      for (String name : passed) for (String value : Collections.list(request.getHeaders(name))) asked.header(name, value);
      if (key != null) asked.header("X-Kaimen-Key", key);
      return client.send(asked.build(), HttpResponse.BodyHandlers.discarding());
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return null;
    } catch (IOException | IllegalArgumentException unreachable) {
      return null;
    }
  }

  private static void refuse(HttpServletResponse response, int status, HttpResponse<Void> told) throws IOException {
    String title = status == 401 ? "No valid ticket" : status == 403 ? "Not allowed" : "The service is not available at present";
    String code = status == 401 ? "unauthenticated" : status == 403 ? "forbidden" : "unavailable";
    String body = "{\"type\":\"about:blank\",\"title\":\"" + title + "\",\"status\":" + status + ",\"code\":\"" + code + "\"";
    response.setStatus(status);
    response.setContentType("application/problem+json");
    response.setHeader("Cache-Control", "no-store");
    if (status == 401) {
      String reason = word(told, "X-Kaimen-Reason");
      response.setHeader("X-Kaimen-Reason", reason);
      response.setHeader("WWW-Authenticate", told.headers().firstValue("WWW-Authenticate").orElse("Bearer"));
      body += ",\"reason\":\"" + reason + "\"";
    }
    if (status == 503) response.setHeader("Retry-After", "2");
    else body += ",\"request_id\":\"" + word(told, "X-Request-Id") + "\"";
    response.getOutputStream().write((body + "}").getBytes(StandardCharsets.UTF_8));
  }

  // Of a header that goes into JSON only what needs no escape there.
  private static String word(HttpResponse<Void> told, String name) {
    return told.headers().firstValue(name).orElse("").replaceAll("[^A-Za-z0-9_.:-]", "");
  }

  private static String or(String value, String otherwise) {
    return value == null ? otherwise : value;
  }

  private static boolean claims(String name) {
    // Many gateways make one of all that is neither a letter nor a digit.
    return CLAIMED.matcher(name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "-")).matches();
  }

  /** The request as the servlet sees it: without what the client claims to be, with what the check says. */
  private static final class Known extends HttpServletRequestWrapper {
    private final Identity identity;

    Known(HttpServletRequest request, Identity identity) {
      super(request);
      this.identity = identity;
    }

    @Override
    public Principal getUserPrincipal() {
      return identity;
    }

    @Override
    public String getRemoteUser() {
      return identity == null ? null : identity.user;
    }

    @Override
    public boolean isUserInRole(String role) {
      return identity != null && identity.roles.contains(role);
    }

    @Override
    public String getAuthType() {
      return identity == null ? null : "Kaimen";
    }

    @Override
    public String getHeader(String name) {
      return claims(name) ? null : super.getHeader(name);
    }

    @Override
    public Enumeration<String> getHeaders(String name) {
      return claims(name) ? Collections.emptyEnumeration() : super.getHeaders(name);
    }

    @Override
    public int getIntHeader(String name) {
      return claims(name) ? -1 : super.getIntHeader(name);
    }

    @Override
    public long getDateHeader(String name) {
      return claims(name) ? -1 : super.getDateHeader(name);
    }

    @Override
    public Enumeration<String> getHeaderNames() {
      List<String> honest = new ArrayList<>(Collections.list(super.getHeaderNames()));
      honest.removeIf(KaimenFilter::claims);
      return Collections.enumeration(honest);
    }
  }
}
