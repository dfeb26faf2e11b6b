using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using OrleansLake.Contracts;
using OrleansLake.Grains;

namespace OrleansLake.Silo.Telemetry;

/// <summary>What a webhook wants to be sent.</summary>
internal enum WebhookFormat
{
    /// <summary>A JSON object with <c>text</c>, as Slack and those like it take it.</summary>
    Slack,

    /// <summary>The envelope in which Amazon SNS delivers to HTTP: <c>Type</c>, <c>Subject</c>, and the alert as JSON in <c>Message</c>.</summary>
    Sns,

    /// <summary>The alert as JSON.</summary>
    Json,
}

/// <summary>Where alerts are posted to. The address may be a secret: it is never logged whole.</summary>
internal sealed record WebhookConfig(Uri Url, WebhookFormat Format);

/// <summary>Posts alerts to a webhook; one that does not take it is tried again twice.</summary>
internal sealed class WebhookAlerts(WebhookConfig config, HttpClient http, TimeProvider time) : IAlertSink
{
    private const int Attempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public async Task TellAsync(LakeAlert alert, CancellationToken cancellationToken)
    {
        byte[] body = Body(config.Format, alert);
        for (int attempt = 1; ; attempt++)
        {
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
            try
            {
                using HttpResponseMessage response = await http.PostAsync(config.Url, content, cancellationToken);
                if (response.IsSuccessStatusCode)
                {
                    return;
                }

                bool isTemporary = (int)response.StatusCode is 408 or 429 or >= 500;
                if (!isTemporary || attempt == Attempts)
                {
                    throw new HttpRequestException($"it answered {(int)response.StatusCode}");
                }
            }
            catch (HttpRequestException) when (attempt < Attempts && !cancellationToken.IsCancellationRequested)
            {
                // Tried again below.
            }

            await Task.Delay(Pause * attempt, time, cancellationToken);
        }
    }

    /// <inheritdoc />
    public override string ToString() => $"the webhook at {config.Url.Host}";

    /// <summary>What is sent.</summary>
    internal static byte[] Body(WebhookFormat format, LakeAlert alert)
    {
        string title = $"{(alert.IsOver ? "Over" : "Alert")}: pipeline {alert.Pipeline}, {alert.Rule}";
        return format switch
        {
            WebhookFormat.Slack => JsonSerializer.SerializeToUtf8Bytes(new { text = $"{(alert.IsOver ? ":white_check_mark:" : ":rotating_light:")} *{Escaped(title)}*\n{Escaped(alert.Message)}" }, LakeJson.Options),
            // Its own names: https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
            WebhookFormat.Sns => JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>
            {
                ["Type"] = "Notification",
                ["MessageId"] = MessageId(alert),
                ["Subject"] = title.Length > 100 ? title[..100] : title,
                ["Message"] = JsonSerializer.Serialize(alert, LakeJson.Options),
                ["Timestamp"] = DateTimeOffset.FromUnixTimeMilliseconds(alert.AtMs).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture),
            }, LakeJson.Options),
            _ => JsonSerializer.SerializeToUtf8Bytes(alert, LakeJson.Options),
        };
    }

    /// <summary>The same alert that is sent again has the same id.</summary>
    private static string MessageId(LakeAlert alert) => new Guid(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes($"{alert.Pipeline}\n{alert.Rule}\n{alert.AtMs}\n{alert.IsOver}")).AsSpan(0, 16)).ToString();

    /// <summary>Slack's three characters. https://api.slack.com/reference/surfaces/formatting#escaping</summary>
    private static string Escaped(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
