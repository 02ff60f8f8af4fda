# Varnish in the scenarios of scenarios.py: the built-in rules pipe RPC_IN_DATA and RPC_OUT_DATA, and pass POST.
vcl 4.1;
import directors;
backend ex1 { .host = "127.0.3.11"; .port = "80"; }
backend ex2 { .host = "127.0.3.12"; .port = "80"; }
sub vcl_init {
  new servers = directors.hash();
  servers.add_backend(ex1, 1.0);
  servers.add_backend(ex2, 1.0);
}
sub vcl_recv { set req.backend_hint = servers.backend(client.identity + req.http.X-ClientInfo); }
