using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using OrleansLake.Ingest.Registry;
using OrleansLake.Testing.Processes;

namespace OrleansLake.Testing.Registry;

/// <summary>A schema registry on loopback: ids, subjects with versions, basic authentication, and trouble on request.</summary>
public sealed class RegistryStand : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, string> _answers = new();
    private int _requests;

    /// <summary>Listens at once.</summary>
    public RegistryStand()
    {
        int port = FreePorts.Take(1)[0];
        Url = new Uri($"http://127.0.0.1:{port}/");
        _listener.Prefixes.Add(Url.ToString());
        _listener.Start();
        _ = ServeAsync();
    }

    /// <summary>Its address.</summary>
    public Uri Url { get; }

    /// <summary>Requests so far.</summary>
    public int Requests => _requests;

    /// <summary>The header that it wants.</summary>
    public string? Authorization { get; set; }

    /// <summary>What it answers instead.</summary>
    public HttpStatusCode? Trouble { get; set; }

    /// <summary>A schema by its id.</summary>
    public void Register(int id, string schema, string type = "AVRO", params (string Subject, int Version)[] references) =>
        _answers[$"/schemas/ids/{id}"] = JsonSerializer.Serialize(new { schema, schemaType = type, references = references.Select(one => new { name = one.Subject, subject = one.Subject, version = one.Version }) });

    /// <summary>One that others refer to.</summary>
    public void RegisterSubject(string subject, int version, string schema) =>
        _answers[$"/subjects/{subject}/versions/{version}"] = JsonSerializer.Serialize(new { subject, version, schema });

    /// <summary>A client of it.</summary>
    public SchemaRegistry Client(TimeProvider? time = null, string? user = null, TimeSpan? patience = null) =>
        new(new SchemaRegistrySettings { Url = Url, User = user, Password = user is null ? null : "secret", Patience = patience ?? TimeSpan.Zero }, time ?? TimeProvider.System);

    /// <inheritdoc />
    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            Interlocked.Increment(ref _requests);
            byte[] body = [];
            if (Trouble is { } trouble)
            {
                context.Response.StatusCode = (int)trouble;
            }
            else if (Authorization is { } wanted && context.Request.Headers["Authorization"] != wanted)
            {
                context.Response.StatusCode = 401;
            }
            else if (_answers.TryGetValue(Uri.UnescapeDataString(context.Request.Url!.AbsolutePath), out string? answer))
            {
                body = Encoding.UTF8.GetBytes(answer);
            }
            else
            {
                context.Response.StatusCode = 404;
                body = """{"error_code":40403,"message":"Schema not found"}"""u8.ToArray();
            }

            await context.Response.OutputStream.WriteAsync(body);
            context.Response.Close();
        }
    }
}
