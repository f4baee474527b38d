//! The fields of Universal Analytics that have an equivalent in GA4, as data.
//!
//! All rows of Google's table, with the names that the GA4 fields have today. Google says that only these
//! have an equivalent, and that format and meaning may differ; what is known of that stands beside a row.
//! <https://developers.google.com/analytics/devguides/migration/api/reporting-ua-to-ga4-dims-mets>

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// Text to group by.
    Dimension,
    /// A figure.
    Metric,
}

impl FieldKind {
    /// The word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Dimension => "dimension",
            Self::Metric => "metric",
        }
    }
}

/// A field of Universal Analytics and its equivalent in GA4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Equivalent {
    /// Dimension or metric, the same in both.
    pub kind: FieldKind,
    /// The name in v3, such as `ga:pageviews`.
    pub ua: &'static str,
    /// The name in Google's table, where the GA4 field has been renamed since.
    pub via: Option<&'static str>,
    /// The API name in GA4 today, such as `screenPageViews`.
    pub ga4: &'static str,
    /// How its meaning or its values differ from v3's, where that is known.
    pub differs: Option<&'static str>,
}

impl Equivalent {
    /// Google's table has `via`, which is called `ga4` today.
    const fn renamed_from(self, via: &'static str) -> Self {
        Self { via: Some(via), ..self }
    }

    const fn differs(self, how: &'static str) -> Self {
        Self { differs: Some(how), ..self }
    }
}

const fn dimension(ua: &'static str, ga4: &'static str) -> Equivalent {
    Equivalent { kind: FieldKind::Dimension, ua, via: None, ga4, differs: None }
}

const fn metric(ua: &'static str, ga4: &'static str) -> Equivalent {
    Equivalent { kind: FieldKind::Metric, ua, via: None, ga4, differs: None }
}

/// For rates: v3 had the data type PERCENT, GA4 has quotients.
const SHARE: &str = "a share from 0 to 1 where v3 had percent; figures and filters of it differ by 100";
const COHORT: &str = "needs a cohortSpec in the request, which v3 queries have no parameter for";
const FOREGROUND: &str =
    "seconds in which a page or screen was in the foreground, not those between two hits";

/// The complete table, in Google's groups and order.
///
/// ```
/// use shortway::analytics::v3::EQUIVALENTS;
///
/// let views = EQUIVALENTS.iter().find(|row| row.ua == "ga:pageviews").unwrap();
/// assert_eq!(views.ga4, "screenPageViews");
/// ```
pub static EQUIVALENTS: &[Equivalent] = &[
    // User
    metric("ga:users", "totalUsers")
        .differs("GA4's own pages show activeUsers instead; users of several rows must not be added up"),
    metric("ga:newUsers", "newUsers"),
    metric("ga:1dayUsers", "active1DayUsers"),
    metric("ga:7dayUsers", "active7DayUsers"),
    metric("ga:28dayUsers", "active28DayUsers"),
    metric("ga:sessionsPerUser", "sessionsPerUser").differs("the sessions are divided by active users"),
    // Session
    metric("ga:sessions", "sessions").differs("a session no longer ends at midnight or with a new campaign"),
    metric("ga:sessionDuration", "userEngagementDuration").differs(FOREGROUND),
    metric("ga:hits", "eventCount").differs("counts events, and GA4 sends some that v3 had no hits for"),
    // Traffic sources
    dimension("ga:fullReferrer", "pageReferrer")
        .differs("the URL of the page before, which may be on the same site"),
    dimension("ga:campaign", "sessionCampaignName"),
    dimension("ga:source", "sessionSource"),
    dimension("ga:medium", "sessionMedium"),
    dimension("ga:campaignCode", "sessionCampaignId"),
    // Google Ads
    dimension("ga:adFormat", "adFormat")
        .differs("Google's table has it in combination with adSourceName: add that dimension"),
    dimension("ga:adGroup", "sessionGoogleAdsAdGroupName"),
    dimension("ga:adDistributionNetwork", "sessionGoogleAdsAdNetworkType"),
    dimension("ga:adMatchedQuery", "sessionGoogleAdsQuery"),
    dimension("ga:adwordsCampaignID", "sessionCampaignId"),
    dimension("ga:adwordsAdGroupID", "sessionGoogleAdsAdGroupId"),
    dimension("ga:adwordsCreativeID", "sessionGoogleAdsCreativeId"),
    metric("ga:adClicks", "advertiserAdClicks"),
    metric("ga:impressions", "advertiserAdImpressions"),
    // Google's table says `adveristerAdCost`: a slip of the pen.
    metric("ga:adCost", "advertiserAdCost"),
    // Platform or device
    dimension("ga:browser", "browser"),
    dimension("ga:operatingSystem", "operatingSystem"),
    dimension("ga:operatingSystemVersion", "operatingSystemVersion"),
    dimension("ga:mobileDeviceBranding", "mobileDeviceBranding"),
    dimension("ga:mobileDeviceModel", "mobileDeviceModel"),
    dimension("ga:deviceCategory", "deviceCategory"),
    dimension("ga:dataSource", "platform").differs("its values are web, iOS and Android"),
    // Geo network
    dimension("ga:country", "country"),
    dimension("ga:region", "region"),
    dimension("ga:city", "city"),
    dimension("ga:cityId", "cityId"),
    dimension("ga:countryIsoCode", "countryId"),
    // System
    dimension("ga:language", "language")
        .differs("names of languages (English); codes such as v3's (en-us) are in languageCode"),
    dimension("ga:screenResolution", "screenResolution"),
    // Page tracking
    dimension("ga:hostname", "hostName"),
    dimension("ga:pagePath", "pagePathPlusQueryString"),
    dimension("ga:pageTitle", "pageTitle"),
    metric("ga:pageviews", "screenPageViews").differs("counts the screens of apps too"),
    metric("ga:timeOnPage", "userEngagementDuration").differs(FOREGROUND),
    // App tracking
    dimension("ga:appVersion", "appVersion"),
    dimension("ga:screenName", "unifiedScreenName").differs("the titles of web pages are among its values"),
    metric("ga:screenviews", "screenPageViews").differs("counts the pages of web sites too"),
    // Event tracking
    dimension("ga:eventLabel", "eventName")
        .differs("names of events; labels that are still sent are in a custom dimension"),
    metric("ga:totalEvents", "eventCount").differs("counts every event, page views among them"),
    metric("ga:eventValue", "eventValue"),
    // Ecommerce
    dimension("ga:productBrand", "itemBrand"),
    dimension("ga:productCategory", "itemCategory"),
    dimension("ga:productCategoryHierarchy", "itemCategory")
        .differs("the first level alone; the others are itemCategory2 to itemCategory5"),
    dimension("ga:productSku", "itemId"),
    dimension("ga:productListName", "itemListName"),
    dimension("ga:productName", "itemName"),
    dimension("ga:internalPromotionCreative", "itemPromotionCreativeName"),
    dimension("ga:internalPromotionId", "itemPromotionId"),
    dimension("ga:internalPromotionName", "itemPromotionName"),
    dimension("ga:orderCouponCode", "orderCoupon"),
    dimension("ga:transactionId", "transactionId"),
    metric("ga:productAddsToCart", "addToCarts"),
    metric("ga:cartToDetailRate", "cartToViewRate").differs(SHARE),
    metric("ga:productCheckouts", "checkouts"),
    metric("ga:uniquePurchases", "ecommercePurchases"),
    metric("ga:productListCTR", "itemListClickThroughRate").differs(SHARE),
    metric("ga:productListClicks", "itemListClickEvents").renamed_from("itemListClicks"),
    metric("ga:productListViews", "itemListViewEvents").renamed_from("itemListViews"),
    metric("ga:internalPromotionCTR", "itemPromotionClickThroughRate").differs(SHARE),
    metric("ga:internalPromotionClicks", "promotionClicks").renamed_from("itemPromotionClicks"),
    metric("ga:internalPromotionViews", "promotionViews").renamed_from("itemPromotionViews"),
    metric("ga:itemQuantity", "itemsPurchased").renamed_from("itemPurchaseQuantity"),
    metric("ga:itemRevenue", "itemRevenue"),
    metric("ga:productDetailViews", "itemViewEvents").renamed_from("itemViews"),
    // Time
    dimension("ga:date", "date"),
    dimension("ga:year", "year"),
    dimension("ga:month", "month"),
    dimension("ga:week", "week"),
    dimension("ga:day", "day"),
    dimension("ga:hour", "hour"),
    dimension("ga:minute", "minute"),
    dimension("ga:nthMonth", "nthMonth"),
    dimension("ga:nthWeek", "nthWeek"),
    dimension("ga:nthDay", "nthDay"),
    dimension("ga:nthMinute", "nthMinute"),
    dimension("ga:dayOfWeek", "dayOfWeek"),
    dimension("ga:dateHour", "dateHour"),
    dimension("ga:dateHourMinute", "dateHourMinute"),
    dimension("ga:nthHour", "nthHour"),
    // Audience
    dimension("ga:userAgeBracket", "userAgeBracket"),
    dimension("ga:userGender", "userGender"),
    dimension("ga:interestInMarketCategory", "brandingInterest"),
    // Lifetime value and cohorts
    dimension("ga:acquisitionCampaign", "firstUserCampaignName"),
    dimension("ga:acquisitionMedium", "firstUserMedium"),
    dimension("ga:acquisitionSource", "firstUserSource"),
    dimension("ga:cohort", "cohort").differs(COHORT),
    dimension("ga:cohortNthDay", "cohortNthDay").differs(COHORT),
    dimension("ga:cohortNthMonth", "cohortNthMonth").differs(COHORT),
    dimension("ga:cohortNthWeek", "cohortNthWeek").differs(COHORT),
    metric("ga:cohortActiveUsers", "cohortActiveUsers").differs(COHORT),
    metric("ga:cohortTotalUsers", "cohortTotalUsers").differs(COHORT),
    // Channel grouping
    dimension("ga:channelGrouping", "sessionDefaultChannelGroup")
        .renamed_from("sessionDefaultChannelGrouping")
        .differs("GA4 groups by other rules and has more channels"),
];
