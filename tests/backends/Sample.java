import java.io.IOException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Map;
import javax.servlet.DispatcherType;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

/** java Sample PORT URL: sdk/backend/java in Jetty. */
public final class Sample extends HttpServlet {
  private static final long serialVersionUID = 1;

  private static String quoted(Object text) {
    return text == null ? "null" : "\"" + text.toString().replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
    KaimenFilter.Identity who = (KaimenFilter.Identity) request.getUserPrincipal();
    StringBuilder page = new StringBuilder("{\"identity\":");
    if (who == null) {
      page.append("null");
    } else {
      StringBuilder roles = new StringBuilder();
      for (String role : who.roles) roles.append(roles.length() == 0 ? "" : ",").append(quoted(role));
      page.append("{\"user\":").append(quoted(request.getRemoteUser())).append(",\"session\":").append(quoted(who.session))
          .append(",\"app\":").append(quoted(who.app)).append(",\"openid\":").append(quoted(who.openid)).append(",\"unionid\":").append(quoted(who.unionid))
          .append(",\"external_id\":").append(quoted(who.externalId)).append(",\"roles\":[").append(roles).append("],\"env\":").append(quoted(who.env))
          .append(",\"actor\":").append(quoted(who.actor)).append(",\"registered\":").append(who.registered).append(",\"expires\":").append(who.expires.getEpochSecond())
          .append(",\"editor\":").append(request.isUserInRole("editor")).append("}");
    }
    page.append(",\"headers\":{");
    String comma = "";
    for (String name : Collections.list(request.getHeaderNames())) {
      page.append(comma).append(quoted(name)).append(":").append(quoted(request.getHeader(name)));
      comma = ",";
    }
    response.setContentType("application/json");
    response.getWriter().write(page.append("},\"asked\":").append(quoted(request.getHeader("X-Kaimen-User"))).append("}").toString());
  }

  public static void main(String[] arguments) throws Exception {
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    connector.setPort(Integer.parseInt(arguments[0]));
    server.addConnector(connector);
    ServletContextHandler context = new ServletContextHandler();
    Map<String, String> checks = Map.of("/plain", "", "/optional", "optional=true", "/editor", "role=editor");
    for (Map.Entry<String, String> one : checks.entrySet()) {
      FilterHolder filter = new FilterHolder(new KaimenFilter());
      filter.setInitParameter("url", arguments[1]);
      filter.setInitParameter("check", one.getValue());
      filter.setInitParameter("ticketHeaders", "X-My-Ticket");
      if (System.getenv("KAIMEN_TEST_KEY") != null) filter.setInitParameter("key", System.getenv("KAIMEN_TEST_KEY"));
      context.addFilter(filter, one.getKey(), EnumSet.of(DispatcherType.REQUEST));
      context.addServlet(new ServletHolder(new Sample()), one.getKey());
    }
    server.setHandler(context);
    server.start();
    server.join();
  }
}
