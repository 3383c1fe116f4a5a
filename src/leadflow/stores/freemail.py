"""
Domains where anybody can have a mailbox: they say nothing about the company somebody works for.

Compiled by hand from the consumer services of the large mail and internet access providers, country by country. A host
that knows more passes its own set to `leadflow.stores.match_keys`.
"""

from typing import Final

__all__ = ["FREE_MAIL_PROVIDERS"]

_LISTED: Final = """
    gmail.com googlemail.com
    outlook.com outlook.de outlook.es outlook.fr outlook.it outlook.jp outlook.com.br
    hotmail.com hotmail.co.uk hotmail.de hotmail.es hotmail.fr hotmail.it
    live.com live.co.uk live.de live.fr live.it live.nl msn.com passport.com
    yahoo.com yahoo.ca yahoo.co.id yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com.ar yahoo.com.au yahoo.com.br
    yahoo.com.mx yahoo.com.sg yahoo.com.tr yahoo.com.tw yahoo.com.vn yahoo.de yahoo.es yahoo.fr yahoo.gr yahoo.ie
    yahoo.in yahoo.it yahoo.pl yahoo.ro yahoo.se ymail.com rocketmail.com myyahoo.com aol.com aol.de aol.fr aim.com
    icloud.com me.com mac.com
    proton.me protonmail.com protonmail.ch pm.me tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me
    fastmail.com fastmail.fm hey.com hushmail.com mailfence.com posteo.de posteo.net mailbox.org disroot.org riseup.net
    zoho.com zohomail.com zohomail.eu mail.com email.com usa.com inbox.com lycos.com
    gmx.at gmx.ch gmx.com gmx.de gmx.fr gmx.net web.de freenet.de t-online.de arcor.de 1und1.de online.de mail.de
    kabelmail.de vodafone.de unitybox.de
    bluewin.ch hispeed.ch sunrise.ch aon.at chello.at
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr numericable.fr aliceadsl.fr
    libero.it virgilio.it tin.it alice.it tiscali.it fastwebnet.it inwind.it iol.it
    btinternet.com btopenworld.com sky.com talktalk.net virginmedia.com ntlworld.com blueyonder.co.uk tiscali.co.uk
    plus.net eircom.net
    telenet.be skynet.be proximus.be ziggo.nl kpnmail.nl planet.nl home.nl hetnet.nl xs4all.nl casema.nl
    telefonica.net terra.es ono.com sapo.pt clix.pt
    telia.com bredband.net spray.se online.no broadpark.no tdcadsl.dk mail.dk jubii.dk kolumbus.fi elisanet.fi
    luukku.com
    wp.pl o2.pl onet.pl op.pl interia.pl gazeta.pl tlen.pl vp.pl seznam.cz email.cz centrum.cz post.cz azet.sk
    zoznam.sk freemail.hu citromail.hu indamail.hu abv.bg mail.bg otenet.gr
    mail.ru bk.ru inbox.ru list.ru internet.ru rambler.ru yandex.ru yandex.com yandex.by yandex.kz yandex.ua ya.ru
    ukr.net i.ua meta.ua
    mynet.com walla.co.il walla.com 012.net.il netvision.net.il
    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net
    optonline.net frontier.com frontiernet.net windstream.net centurylink.net roadrunner.com rr.com mindspring.com
    ameritech.net pacbell.net swbell.net prodigy.net
    rogers.com shaw.ca sympatico.ca telus.net bell.net videotron.ca
    uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com r7.com prodigy.net.mx
    bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au xtra.co.nz
    rediffmail.com sify.com
    qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com 139.com 189.cn aliyun.com 21cn.com tom.com
    naver.com daum.net hanmail.net nate.com
    docomo.ne.jp ezweb.ne.jp softbank.ne.jp i.softbank.jp nifty.com biglobe.ne.jp ocn.ne.jp
    hinet.net pchome.com.tw netvigator.com singnet.com.sg
    mweb.co.za webmail.co.za telkomsa.net
"""
FREE_MAIL_PROVIDERS: Final = frozenset(_LISTED.split())
