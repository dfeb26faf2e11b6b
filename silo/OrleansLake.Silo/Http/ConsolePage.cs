using System.Security.Cryptography;
using System.Text;
using OrleansLake.Silo.Configuration;

namespace OrleansLake.Silo.Http;

/// <summary>
/// A page for people: pipelines, tables, what their upkeep owes and did, and the buttons of the HTTP API. It is one file that asks
/// nothing but that API, so whoever may see one may see the other.
/// </summary>
internal static class ConsolePage
{
    private static readonly byte[] Page = Read();

    // Only the page's own script and style run, only this silo is asked, and no other page frames it: nobody can be made to press its
    // buttons unawares. https://www.w3.org/TR/CSP3/
    private static readonly string Policy =
        $"default-src 'none'; script-src '{HashOf("script")}'; style-src '{HashOf("style")}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Puts it in its place.</summary>
    public static void Map(WebApplication app, DashboardConfig dashboard)
    {
        app.MapGet("/", () => Results.Redirect("/console"));
        app.MapGet("/console", (HttpResponse response) =>
        {
            response.Headers.ContentSecurityPolicy = Policy;
            response.Headers.XContentTypeOptions = "nosniff";
            response.Headers.CacheControl = "no-cache";
            response.Headers["Referrer-Policy"] = "no-referrer";
            return Results.Bytes(Page, "text/html; charset=utf-8");
        });
        app.MapGet("/console/links", () => new ConsoleLinks(dashboard.Url?.Port));
    }

    private static byte[] Read()
    {
        using Stream stream = typeof(ConsolePage).Assembly.GetManifestResourceStream("console.html")!;
        var page = new byte[stream.Length];
        stream.ReadExactly(page);
        return page;
    }

    private static string HashOf(string tag)
    {
        string page = Encoding.UTF8.GetString(Page);
        int from = page.IndexOf($"<{tag}>", StringComparison.Ordinal) + tag.Length + 2;
        int to = page.IndexOf($"</{tag}>", StringComparison.Ordinal);
        return "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(page[from..to])));
    }
}

/// <summary>Where else to look.</summary>
/// <param name="DashboardPort">Port of the Orleans Dashboard, on the same host; null: there is none.</param>
internal sealed record ConsoleLinks(int? DashboardPort);
